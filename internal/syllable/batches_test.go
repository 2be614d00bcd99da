package syllable_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// quote returns s as JSON.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// A field that is not essential spoils no batch, and no list of batches.
func TestBatchFields(t *testing.T) {
	t.Parallel()
	one, yes, text := int64(1), true, "2026-08-22T10:00:00Z"
	for fields, want := range map[string]syllable.Batch{
		``: {},
		`"campaign_id":1,"status":"PAUSED","paused":true,"expires_on":"2026-08-22T10:00:00Z"`: {
			CampaignID: &one, Status: "PAUSED", Paused: &yes, ExpiresOn: &text},
		`"created_at":"2026-08-22T10:00:00Z","last_updated_at":"2026-08-22T10:00:00Z","deleted_at":"2026-08-22T10:00:00Z"`: {
			CreatedAt: &text, LastUpdatedAt: &text, DeletedAt: &text},
		`"campaign_id":null,"status":null,"paused":null,"expires_on":null,"deleted_at":null`: {},
		`"detailed_status_counts":null`: {},
		`"expires_on":5,"paused":"no","created_at":{},"last_updated_at":[1],"deleted_at":false`: {},
		`"detailed_status_counts":{"FAILED":{"total_count":3,"counts":{"BUSY":2}},"PENDING":{"total_count":4}}`: {
			Breakdown: map[string]syllable.Breakdown{
				"FAILED": {Total: 3, Channel: map[string]int{"BUSY": 2}}, "PENDING": {Total: 4},
			},
		},
		`"detailed_status_counts":{"FAILED":{"total_count":3,"counts":null}}`:           {Breakdown: failed(3)},
		`"detailed_status_counts":{"FAILED":{"total_count":3,"counts":[]}}`:             {Breakdown: failed(3)},
		`"detailed_status_counts":{"FAILED":{"total_count":3,"counts":{"x":1,"y":{}}}}`: {Breakdown: failed(3)},
		`"detailed_status_counts":{}`: {
			Breakdown: map[string]syllable.Breakdown{},
		},
		`"detailed_status_counts":[]`:                                              {},
		`"detailed_status_counts":{"FAILED":3}`:                                    {},
		`"detailed_status_counts":{"FAILED":null,"PENDING":{"total_count":4}}`:     {},
		`"detailed_status_counts":{"FAILED":{"counts":{"x":1}}}`:                   {},
		`"detailed_status_counts":{"FAILED":{"total_count":"3"}}`:                  {},
		`"detailed_status_counts":{"FAILED":{"total_count":-3}}`:                   {},
		`"detailed_status_counts":{"FAILED":{"total_count":99999999999999999999}}`: {},
	} {
		raw := `{"batch_id":"b"}`
		if fields != "" {
			raw = `{"batch_id":"b",` + fields + `}`
		}
		want.BatchID, want.Raw = "b", []byte(raw)
		c := client(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/batches") {
				raw := `{"items":[` + raw + `],"page":null,"page_size":"x","total_pages":"1","total_count":{}}`
				if r.URL.Query().Get("page") != "0" {
					raw = `{"items":[],"page":1.5}`
				}
				io.WriteString(w, raw)
				return
			}
			io.WriteString(w, raw)
		})
		got, err := c.Batch(t.Context(), "b")
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", fields, err, d)
		}
		var listed []syllable.Batch
		err = batches(t.Context(), c, syllable.Steady, func(b syllable.Batch) bool {
			listed = append(listed, b)
			return true
		})
		if d := cmp.Diff([]syllable.Batch{want}, listed); d != "" || err != nil {
			t.Errorf("%s in a list: error %v (-want +got):\n%s", fields, err, d)
		}
	}
	for _, raw := range []string{
		`{"batch_id":5}`, `{"batch_id":null}`, `{"batch_id":"b","campaign_id":"1"}`, `{"batch_id":"b","status":5}`,
		`{"batch_id":"b","detailed_status_counts":{"x":1,"x":2}}`,
	} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, raw) })
		if got, err := c.Batch(t.Context(), "b"); !errors.Is(err, syllable.ErrBody) {
			t.Errorf("%s: %+v, error %v, want that the body is not valid", raw, got, err)
		}
	}
}

func failed(n int) map[string]syllable.Breakdown {
	return map[string]syllable.Breakdown{"FAILED": {Total: n}}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	var asked []url.Values
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query())
		io.WriteString(w, `{"items":[{"batch_id":"b"},{"batch_id":"c"}],"page":0,"page_size":2,"total_pages":9}`)
	})
	for _, o := range []syllable.Order{syllable.Steady, syllable.NewestFirst} {
		n := 0
		if err := batches(t.Context(), c, o, func(syllable.Batch) bool { n++; return n < 3 }); err != nil || n != 3 {
			t.Errorf("%d batches, error %v, want that the third ends it", n, err)
		}
	}
	want := []url.Values{}
	for _, o := range [][2]string{{"batch_id", "asc"}, {"last_updated_at", "desc"}} {
		for _, page := range []string{"0", "1"} {
			want = append(want, url.Values{
				"page": {page}, "limit": {"100"}, "order_by": {o[0]}, "order_by_direction": {o[1]},
			})
		}
	}
	if d := cmp.Diff(want, asked); d != "" {
		t.Errorf("asked (-want +got):\n%s", d)
	}
}

// A list that a server never ends is given up.
func TestEndlessList(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"items":[{"batch_id":"b"}]}`) })
	n := 0
	err := batches(t.Context(), c, syllable.Steady, func(syllable.Batch) bool { n++; return true })
	if !errors.Is(err, syllable.ErrBody) || n != 1000 {
		t.Errorf("%d batches, error %v, want that the list does not end", n, err)
	}
}
