package syllable

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// FuzzObjects reads what may be a page of batches, a batch, or a campaign.
func FuzzObjects(f *testing.F) {
	for _, seed := range []string{
		`{"items":[{"batch_id":"b","status":"ACTIVE"}],"page":0,"total_pages":null}`, `{"items":null}`, `{"items":[]}`,
		`{"items":[{"batch_id":"b"}],"page":"0","page_size":{},"total_pages":1e9,"total_count":-1}`,
		`{"batch_id":"b","campaign_id":1,"paused":true,"expires_on":5,"deleted_at":"2026-08-22T10:00:00Z"}`,
		`{"batch_id":"b","detailed_status_counts":{"FAILED":{"total_count":3,"counts":{"BUSY":2}}}}`,
		`{"batch_id":"b","detailed_status_counts":{"FAILED":null}}`,
		`{"id":1,"campaign_name":"n","mode":null,"retry_count":2,"active_days":["mon"],"daily_start_time":"09:00:00"}`,
		`{"id":1,"retry_count":"2","active_days":"[\"mon\"]","daily_start_time":"x","daily_end_time":"10:00"}`,
		"null", "{}x", "<html>", "{\"\xff\"", `{"id":1,"id":2}`,
	} {
		f.Add([]byte(seed))
	}
	at := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		read := map[string]func([]byte) error{
			"page": func(b []byte) error {
				p, err := readPage(bytes.NewReader(b))
				for _, b := range p.Items {
					checkBatch(t, b)
				}
				return err
			},
			"batch": func(raw []byte) error {
				b, err := parseBatch(raw)
				if err == nil {
					checkBatch(t, b)
				}
				return err
			},
			"campaign": func(b []byte) error {
				c, err := readCampaign(bytes.NewReader(b))
				if c.RetryCount < RetriesUnknown {
					t.Errorf("%d retries", c.RetryCount)
				}
				if c.Rests(at) && len(c.ActiveDays) == 0 && c.DailyStart == "" {
					t.Error("a campaign without limits rests")
				}
				return err
			},
		}
		cut := bytes.TrimRight(body, " \t\r\n")
		for name, read := range read {
			if read(body) == nil && read(cut[:len(cut)-1]) == nil {
				t.Errorf("a %s is valid without its last byte", name)
			}
		}
	})
}

func checkBatch(t *testing.T, b Batch) {
	t.Helper()
	if b.BatchID == "" || len(b.Raw) == 0 || !strings.HasPrefix(string(bytes.TrimSpace(b.Raw)), "{") {
		t.Errorf("batch %q, raw %s", b.BatchID, b.Raw)
	}
	for status, n := range b.Breakdown {
		if n.Total < 0 {
			t.Errorf("%d calls with status %q", n.Total, status)
		}
	}
}
