package simulator

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// withUnknown is newTest of a platform that makes other choices.
func withUnknown(t testing.TB, u Unknown) (*Simulator, *clock) {
	t.Helper()
	if err := u.Check(); err != nil {
		t.Fatal(err)
	}
	c := &clock{now: epoch}
	return New(Options{Seed: 7, Now: c.Now, Unknown: u}), c
}

func refs(rs []result) []string {
	var all []string
	for _, r := range rs {
		all = append(all, r.ReferenceID)
	}
	return all
}

func TestOrder(t *testing.T) {
	t.Parallel()
	lists := map[string][][]string{}
	for _, order := range OrderChoices() {
		s, clk := withUnknown(t, Unknown{Order: order})
		mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 50})
		clk.advance(3 * time.Minute)
		lists[order] = [][]string{refs(results(t, s, "b")), refs(results(t, s, "b"))}
	}
	created := lists[OrderCreated][0]
	if !slices.IsSorted(created) || !slices.Equal(created, lists[OrderCreated][1]) {
		t.Errorf("created: %v", lists[OrderCreated])
	}
	updated := lists[OrderUpdated][0]
	if slices.IsSorted(updated) || !slices.Equal(updated, lists[OrderUpdated][1]) {
		t.Errorf("updated: %v, want another order that stays", lists[OrderUpdated])
	}
	random := lists[OrderRandom]
	if slices.Equal(random[0], random[1]) {
		t.Errorf("random: %v, want two orders", random)
	}
	for _, list := range append(random, updated) {
		slices.Sort(list)
		if !slices.Equal(list, created) {
			t.Errorf("%v, want the same calls in another order", list)
		}
	}
}

// The call that changed last is the last one.
func TestOrderUpdated(t *testing.T) {
	t.Parallel()
	s, clk := withUnknown(t, Unknown{Order: OrderUpdated})
	mustCreate(t, s, certain(func(m *Mix) { m.Failed = 1 }), NewBatch{ID: "b", Calls: 3})
	clk.advance(dispatchDelay) // the first call is dialled
	want := []string{"ref-000002", "ref-000003", "ref-000001"}
	if got := refs(results(t, s, "b")); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestQuietBatch(t *testing.T) {
	t.Parallel()
	for _, quiet := range []bool{false, true} {
		s, clk := withUnknown(t, Unknown{QuietBatch: quiet})
		mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b", Calls: 5})
		runDry(t, s, clk, "b")
		if moved := s.Batches()[0].LastUpdatedAt.After(epoch); moved == quiet {
			t.Errorf("quiet %v: last_updated_at moved %v", quiet, moved)
		}
		mustSend[any](t, s, "PUT", api+"/batches/b", `{"paused": true}`)
		if !s.Batches()[0].LastUpdatedAt.Equal(clk.Now()) {
			t.Errorf("quiet %v: last_updated_at did not move with the batch", quiet)
		}
	}
}

func TestQuietRetryForAll(t *testing.T) {
	t.Parallel()
	s, clk := withUnknown(t, Unknown{QuietRetry: true})
	c := certain(func(m *Mix) { m.Busy = 1 })
	c.RetryCount, c.RetryInterval = 1, time.Minute
	mustCreate(t, s, c, NewBatch{ID: "b", Calls: 1})
	runDry(t, s, clk, "b")
	if got := values(truth(t, s, "b")[0].RequestStatus); got != "PENDING INITIATED FAILED" {
		t.Errorf("request_status %s, want no FAILED between the attempts", got)
	}
}

func TestInsightsAreRevised(t *testing.T) {
	t.Parallel()
	s, clk := withUnknown(t, Unknown{InsightRevised: 1})
	mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b", Calls: 20})
	first := map[string]any{}
	for !s.Finished("b") {
		for _, r := range results(t, s, "b") {
			if text(r.InsightsStatus) == "COMPLETED" && first[r.ReferenceID] == nil {
				first[r.ReferenceID] = r.Insights["summary"]
			}
		}
		clk.advance(10 * time.Second)
	}
	for i, r := range results(t, s, "b") {
		c := truth(t, s, "b")[i]
		if len(c.Insights) != 3 || c.Insights[0].Value != nil {
			t.Errorf("%s: %d values of insights, want null and two others", r.ReferenceID, len(c.Insights))
		}
		if got := values(c.InsightsStatus); got != "null PENDING PROCESSING COMPLETED" {
			t.Errorf("%s: insights_status %s, want it to stay", r.ReferenceID, got)
		}
		if !strings.Contains(text(c.Insights[len(c.Insights)-1].Value), r.Insights["summary"].(string)[:10]) {
			t.Errorf("%s: the truth has other insights than the results", r.ReferenceID)
		}
	}
	if first["ref-000001"] == results(t, s, "b")[0].Insights["summary"] {
		t.Error("the summary did not change")
	}
}

// conditional asks for results with headers, and returns status and headers.
func conditional(s *Simulator, header, value string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", api+"/batches/b/results", nil)
	r.Header.Set("Syllable-API-Key", "key")
	if header != "" {
		r.Header.Set(header, value)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestValidators(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		validators         string
		etag, lastModified bool
	}{
		{ValidatorsNone, false, false}, {ValidatorsETag, true, false},
		{ValidatorsLastModified, false, true}, {ValidatorsBoth, true, true},
	} {
		s, clk := withUnknown(t, Unknown{Validators: tt.validators})
		mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b", Calls: 5})
		clk.advance(time.Minute)
		first := conditional(s, "", "").Header()
		if (first.Get("ETag") != "") != tt.etag || (first.Get("Last-Modified") != "") != tt.lastModified {
			t.Errorf("%s: headers %v", tt.validators, first)
		}
		for header, value := range map[string]string{
			"If-None-Match": first.Get("ETag"), "If-Modified-Since": first.Get("Last-Modified"),
		} {
			if value == "" {
				continue
			}
			if w := conditional(s, header, value); w.Code != 304 || w.Body.Len() != 0 {
				t.Errorf("%s: %s: %d with %d bytes, want 304 without", tt.validators, header, w.Code, w.Body.Len())
			}
		}
		if date := first.Get("Date"); (tt.etag || tt.lastModified) && date != "Sat, 22 Aug 2026 09:01:00 GMT" {
			t.Errorf("%s: Date %q, want the simulated time", tt.validators, date)
		}
		clk.advance(5 * time.Minute)
		for header, value := range map[string]string{
			"If-None-Match": first.Get("ETag"), "If-Modified-Since": first.Get("Last-Modified"),
		} {
			if w := conditional(s, header, value); w.Code != 200 || w.Body.Len() == 0 {
				t.Errorf("%s: %s after a change: %d", tt.validators, header, w.Code)
			}
		}
	}
}

// deleted returns a platform whose batch b was deleted while calls were on
// the line, and others were waiting.
func deleted(t testing.TB, choice string) (*Simulator, *clock) {
	t.Helper()
	s, clk := withUnknown(t, Unknown{Deleted: choice})
	mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b", Calls: 20})
	clk.advance(dispatchDelay + 4500*time.Millisecond) // five are dialled
	if status, body := sendForm(s, "DELETE", api+"/batches/b", "delete_reason=User+request"); status != 200 {
		t.Fatalf("status %d: %s", status, body)
	}
	return s, clk
}

func sendForm(s *Simulator, method, path, form string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(form))
	r.Header.Set("Syllable-API-Key", "key")
	r.Header.Set("Content-Type", formType+"; charset=utf-8")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestDeletedBatch(t *testing.T) {
	t.Parallel()
	for _, choice := range DeletedChoices() {
		s, clk := deleted(t, choice)
		clk.advance(time.Hour)
		p := s.Progress("b")
		if p.RequestStatus["CANCELED"] != 15 || p.RequestStatus["COMPLETED"] != 5 || !s.Finished("b") {
			t.Errorf("%s: %+v, want 5 COMPLETED and 15 CANCELED", choice, p)
		}
		listed := len(mustSend[listed](t, s, "GET", api+"/batches", "").Items)
		status, body := send(s, "GET", api+"/batches/b/results", "")
		if choice == DeletedGone {
			if listed != 0 || status != 404 {
				t.Errorf("gone: %d batches listed, results %d", listed, status)
			}
			continue
		}
		b := mustSend[map[string]any](t, s, "GET", api+"/batches/b", "")
		if listed != 1 || b["status"] != "CANCELED" || b["deleted_at"] != "2026-08-22T09:00:09.5Z" ||
			b["deleted_reason"] != "User request" {
			t.Errorf("%s: %d listed, batch %v", choice, listed, b)
		}
		if empty := body == "[]"; status != 200 || empty != (choice == DeletedEmptied) {
			t.Errorf("%s: results %d, empty %v", choice, status, empty)
		}
		if empty := len(b["status_counts"].(map[string]any)) == 0; empty != (choice == DeletedEmptied) {
			t.Errorf("%s: status_counts %v", choice, b["status_counts"])
		}
		for _, change := range []struct{ method, path, body string }{
			{"PUT", "", `{"paused": false}`}, {"POST", "/requests", request("x")}, {"POST", "/remove-requests", `[]`},
		} {
			if status, _ := send(s, change.method, api+"/batches/b"+change.path, change.body); status != 422 {
				t.Errorf("%s: %s %s: %d, want 422", choice, change.method, change.path, status)
			}
		}
		if status, _ := sendForm(s, "DELETE", api+"/batches/b", "delete_reason=again"); status != 422 {
			t.Errorf("%s: deleted twice: %d, want 422", choice, status)
		}
		if s.CreateBatch(NewBatch{ID: "b", CampaignID: 1}) == nil {
			t.Errorf("%s: the id was used twice", choice)
		}
	}
}

func TestUnknownCheck(t *testing.T) {
	t.Parallel()
	for _, bad := range []Unknown{
		{Deleted: "x"}, {Order: "x"}, {Validators: "x"}, {InsightRevised: -0.1}, {InsightRevised: 1.1},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}
