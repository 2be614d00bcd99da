package simulator

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

type listed struct {
	Items []struct {
		BatchID       string  `json:"batch_id"`
		CampaignID    int64   `json:"campaign_id"`
		CampaignName  string  `json:"campaign_name"`
		Status        string  `json:"status"`
		ExpiresOn     *string `json:"expires_on"`
		LastUpdatedBy string  `json:"last_updated_by"`
	} `json:"items"`
	Page       int `json:"page"`
	PageSize   int `json:"page_size"`
	TotalPages int `json:"total_pages"`
	TotalCount int `json:"total_count"`
}

func (l listed) ids() string {
	var ids []string
	for _, b := range l.Items {
		ids = append(ids, b.BatchID+b.CampaignName)
	}
	return strings.Join(ids, " ")
}

// withBatches has three campaigns and the batches e, d, c, b, a, made a minute
// apart; c expires first, then b, the others never; a and b are paused.
func withBatches(t *testing.T) *Simulator {
	t.Helper()
	s, clk := newTest(t)
	for _, name := range []string{"One", "Two", "Three"} {
		s.AddCampaign(Campaign{Name: name})
	}
	for i, id := range []string{"e", "d", "c", "b", "a"} {
		n := NewBatch{ID: id, CampaignID: int64(i/2 + 1), Paused: i >= 3, Calls: 1}
		switch id {
		case "c":
			n.ExpiresOn = epoch.Add(24 * time.Hour)
		case "b":
			n.ExpiresOn = epoch.Add(48 * time.Hour)
		}
		if err := s.CreateBatch(n); err != nil {
			t.Fatal(err)
		}
		clk.advance(time.Minute)
	}
	return s
}

func TestListBatches(t *testing.T) {
	t.Parallel()
	s := withBatches(t)
	for query, want := range map[string]string{
		"":                            "e d c b a",
		"order_by_direction=desc":     "a b c d e",
		"order_by=batch_id":           "a b c d e",
		"order_by=expires_on":         "c b e d a",
		"order_by=campaign_id&limit=": "e d c b a",
		"order_by=campaign_id&order_by_direction=desc": "a c b e d",
		"limit=2":        "e d",
		"limit=2&page=2": "a",
		"limit=2&page=3": "",
		"limit=0":        "",
		"search_fields=batch_id&search_field_values=c":                                                    "c",
		"search_fields=status&search_field_values=paused":                                                 "b a",
		"search_fields=campaign_id&search_field_values=2":                                                 "c b",
		"search_fields=campaign_id&search_field_values=2&search_fields=status&search_field_values=PAUSED": "b",
		"start_datetime=2026-08-22T09:02:00Z":                                                             "c b a",
		"start_datetime=2026-08-22T11:01:00%2B02:00&end_datetime=2026-08-22T09:03:00Z":                    "d c b",
		"end_datetime=2026-08-21":                                                                         "",
		"order_by=status":                                                                                 "e d c b a",
	} {
		if got := mustSend[listed](t, s, "GET", api+"/batches?"+query, "").ids(); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	got := mustSend[listed](t, s, "GET", api+"/batches?limit=2&page=1", "")
	if got.Page != 1 || got.PageSize != 2 || got.TotalPages != 3 || got.TotalCount != 5 {
		t.Errorf("page %+v", got)
	}
	if b := got.Items[0]; b.LastUpdatedBy == "" || b.Status != "ACTIVE" || b.CampaignID != 2 {
		t.Errorf("batch %+v", b)
	}
}

func TestCampaigns(t *testing.T) {
	t.Parallel()
	s := withBatches(t)
	got := mustSend[listed](t, s, "GET", api+"/campaigns?order_by=campaign_name&limit=2", "")
	if got.ids() != "One Three" || got.TotalCount != 3 || got.TotalPages != 2 {
		t.Errorf("campaigns %+v", got)
	}
	one := mustSend[map[string]any](t, s, "GET", api+"/campaigns/2", "")
	for _, field := range []string{
		"campaign_name", "campaign_variables", "caller_id", "active_days", "id", "last_updated_by",
	} {
		if one[field] == nil {
			t.Errorf("campaign has no %s", field)
		}
	}
	if one["retry_interval"] != "30m" {
		t.Errorf("retry_interval %v, want 30m", one["retry_interval"])
	}
}

func TestCreateAndChangeBatch(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	s.AddCampaign(Campaign{})
	for path, id := range map[string]string{"20260822.9": "20260822.9", "a%2Fb": "a/b", "%2F%2F": "//", "x%20y": "x y"} {
		body, _ := json.Marshal(map[string]any{"batch_id": id, "campaign_id": 1, "call_rate": 60, "auto_call_rate": false})
		mustSend[any](t, s, "POST", api+"/batches", string(body))
		mustSend[any](t, s, "POST", api+"/batches/"+path+"/requests", request("a"))
		if got := mustSend[map[string]any](t, s, "GET", api+"/batches/"+path, ""); got["batch_id"] != id {
			t.Errorf("GET %s: batch_id %v, want %q", path, got["batch_id"], id)
		}
		if got := results(t, s, path); len(got) != 1 {
			t.Errorf("GET %s/results: %d results, want 1", path, len(got))
		}
	}
	before := mustSend[map[string]any](t, s, "GET", api+"/batches/20260822.9", "")
	if before["status"] != "PENDING" {
		t.Errorf("status %v before the first dial, want PENDING", before["status"])
	}
	clk.advance(10 * time.Second)
	got := mustSend[map[string]any](t, s, "PUT", api+"/batches/20260822.9", `{"call_rate": 25, "paused": null}`)
	if got["call_rate"] != 25.0 || got["paused"] != false || got["status"] != "ACTIVE" {
		t.Errorf("after PUT %v", got)
	}
	if got["last_updated_at"] == before["last_updated_at"] {
		t.Error("last_updated_at did not move")
	}
}

func TestBatchCounts(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 400})
	for range 20 {
		clk.advance(97 * time.Second)
		details := mustSend[wireBatchDetails](t, s, "GET", api+"/batches/b", "")
		want := map[string]int{}
		for _, r := range results(t, s, "b") {
			want[r.RequestStatus]++
			want[r.RequestStatus+" "+text(r.ChannelManagerStatus)]++
		}
		total := 0
		for status, n := range details.StatusCounts {
			total += n
			if n != want[status] || details.DetailedStatusCounts[status].TotalCount != n {
				t.Errorf("%s: counted %d, listed %d", status, n, want[status])
			}
			for channel, n := range details.DetailedStatusCounts[status].Counts {
				if n != want[status+" "+channel] {
					t.Errorf("%s %s: counted %d, listed %d", status, channel, n, want[status+" "+channel])
				}
			}
		}
		if total != 400 {
			t.Errorf("counts add up to %d, want 400", total)
		}
	}
}

func TestResultFilters(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 200})
	clk.advance(4 * time.Minute)
	count := func(keep func(result) bool) int {
		return len(slices.DeleteFunc(results(t, s, "b"), func(r result) bool { return !keep(r) }))
	}
	for query, want := range map[string]int{
		"reference_id=ref-000007":                  1,
		"reference_id=ref-7":                       0,
		"status=COMPLETED":                         count(func(r result) bool { return r.RequestStatus == "COMPLETED" }),
		"insights_status=PENDING":                  count(func(r result) bool { return text(r.InsightsStatus) == "PENDING" }),
		"status=INITIATED&insights_status=PENDING": 0,
		"status=&insights_status=":                 200,
		"status=NONSENSE":                          0,
	} {
		got := len(mustSend[[]result](t, s, "GET", api+"/batches/b/results?"+query, ""))
		if got != want {
			t.Errorf("%s: %d results, want %d", query, got, want)
		}
	}
	if s.Progress("b").InsightsStatus["PENDING"] == 0 {
		t.Error("no insights are PENDING, so the filter is not tested")
	}
	if _, body := send(s, "GET", api+"/batches/b/results?status=NONSENSE", ""); body != "[]" {
		t.Errorf("no results are %s, want []", body)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	mustCreate(t, s, Campaign{}, NewBatch{ID: "b", Calls: 1})
	for _, tt := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", "/batches/x", "", 404, `{"detail":"`},
		{"GET", "/batches/x/results", "", 404, `{"detail":"`},
		{"PUT", "/batches/x", "{}", 404, `{"detail":"`},
		{"POST", "/batches/x/requests", request("a"), 404, `{"detail":"`},
		{"POST", "/batches/x/remove-requests", "[]", 404, `{"detail":"`},
		{"GET", "/campaigns/2", "", 404, `{"detail":"`},
		{"GET", "/nothing", "", 404, `{"detail":"`},
		{"PATCH", "/batches/b", "", 405, `{"detail":"`},
		{"GET", "/campaigns/two", "", 422, `"loc":["path","campaign_id"]`},
		{"GET", "/batches?page=-1", "", 422, `"loc":["query","page"]`},
		{"GET", "/batches?limit=many", "", 422, `"loc":["query","limit"]`},
		{"GET", "/batches?order_by=created_at", "", 422, `"loc":["query","order_by"]`},
		{"GET", "/batches?order_by_direction=up", "", 422, `"loc":["query","order_by_direction"]`},
		{"GET", "/batches?search_fields=status", "", 422, `"loc":["query","search_field_values"]`},
		{"GET", "/batches?search_fields=x&search_field_values=y", "", 422, `"loc":["query","search_fields"]`},
		{"GET", "/batches?start_datetime=now", "", 422, `"loc":["query","start_datetime"]`},
		{"POST", "/batches", `{"campaign_id": 1}`, 422, `"loc":["body","batch_id"]`},
		{"POST", "/batches", `{"batch_id": "c"}`, 422, `"loc":["body","campaign_id"]`},
		{"POST", "/batches", `{"batch_id": "c", "campaign_id": 9}`, 422, `"loc":["body","campaign_id"]`},
		{"POST", "/batches", `{"batch_id": "b", "campaign_id": 1}`, 422, `"loc":["body","batch_id"]`},
		{"POST", "/batches", `{"batch_id": "c", "campaign_id": 1, "auto_call_rate": true}`, 422, `"auto_call_rate"`},
		{"POST", "/batches", `{"batch_id": "c"`, 422, `"loc":["body"]`},
		{"POST", "/batches", `{} {}`, 422, `"loc":["body"]`},
		{"PUT", "/batches/b", `{"call_rate": 0}`, 422, `"loc":["body","call_rate"]`},
		{"PUT", "/batches/b", `{"call_rate": 1.5}`, 422, `"loc":["body","call_rate"]`},
		{"PUT", "/batches/b", `{"expires_on": "soon"}`, 422, `"loc":["body","expires_on"]`},
		{"POST", "/batches/b/requests", `{"target": "+12065550142", "request_variables": {}}`, 422, `"reference_id"`},
		{"POST", "/batches/b/requests", `{"reference_id": "r", "target": "+12065550142"}`, 422, `"request_variables"`},
		{"POST", "/batches/b/requests", `{"reference_id": "r", "request_variables": {}}`, 422, `"target"`},
		{
			"POST", "/batches/b/requests", `{"reference_id": "r", "target": "1", "request_variables": {"a": 1}}`,
			422, `"request_variables`,
		},
		{
			"POST", "/batches/b/requests", `{"reference_id": "r", "target": "1", "request_variables": {"a": null}}`,
			422, `"request_variables"`,
		},
		{"POST", "/batches/b/remove-requests", `{}`, 422, `"loc":["body"`},
		{"POST", "/batches/b/remove-requests", `null`, 422, `"loc":["body"]`},
		{"POST", "/batches", `{"batch_id": "` + strings.Repeat("x", maxBody) + `"}`, 413, `{"detail":"`},
	} {
		status, body := send(s, tt.method, api+tt.path, tt.body)
		if status != tt.status || !strings.Contains(body, tt.contains) {
			t.Errorf("%s %s %.60s: %d %s, want %d with %s", tt.method, tt.path, tt.body, status, body, tt.status, tt.contains)
		}
		var decoded map[string]any
		if err := json.Unmarshal([]byte(body), &decoded); err != nil {
			t.Errorf("%s %s: %v", tt.method, tt.path, err)
		}
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	s := New(Options{APIKey: "right"})
	for key, want := range map[string]int{"": 401, "wrong": 403, "right": 200} {
		r := httptest.NewRequest("GET", api+"/batches", nil)
		r.Header.Set("Syllable-API-Key", key)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("key %q: status %d, want %d", key, w.Code, want)
		}
		if want != 200 && !strings.HasPrefix(w.Body.String(), `{"detail":"`) {
			t.Errorf("key %q: body %s", key, w.Body)
		}
	}
}

// For the race detector: everything at once.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 100})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 25 {
				clk.advance(3 * time.Second)
				send(s, "GET", api+"/batches/b/results", "")
				send(s, "POST", api+"/batches/b/requests", request(fmt.Sprintf("%d-%d", i, j)))
				send(s, "POST", api+"/batches/b/remove-requests", fmt.Sprintf(`["%d-%d"]`, i, j-1))
				s.Progress()
				s.Truth("b")
			}
		})
	}
	wg.Wait()
	runDry(t, s, clk, "b")
	if got := s.Progress("b").Calls; got != 108 {
		t.Errorf("%d calls left, want 108", got)
	}
}
