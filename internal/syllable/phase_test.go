package syllable_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

func TestPhaseOf(t *testing.T) {
	t.Parallel()
	if got := syllable.PhaseOf(nil); got != syllable.Waiting {
		t.Errorf("no status is %s", got)
	}
	for phase, statuses := range map[syllable.Phase][]string{
		syllable.Waiting: {"", "PENDING", "QUEUED"},
		syllable.Moving:  {"INITIATED", "CONNECTED", "REROUTED", "completed"},
		syllable.Over:    {"COMPLETED", "FAILED", "CANCELED", "INVALID", "DUPLICATE", "SKIPPED"},
	} {
		for _, s := range statuses {
			if got := syllable.PhaseOf(&s); got != phase {
				t.Errorf("%q is %s, want %s", s, got, phase)
			}
		}
	}
}

// Each line of the table in the documentation of Ended.
func TestEnded(t *testing.T) {
	t.Parallel()
	deleted := "2026-08-22T10:00:00Z"
	batches := map[string]syllable.Batch{
		"active": {Status: "ACTIVE"}, "strange": {Status: "ARCHIVED"}, "canceled": {Status: "CANCELED"},
		"expired": {Status: "EXPIRED"}, "failed": {Status: "FAILED"}, "deleted": {Status: "ACTIVE", DeletedAt: &deleted},
	}
	for _, tt := range []struct {
		result, batch string
		retries       int
		want          bool
	}{
		{`"request_status":"COMPLETED"`, "active", 3, true},
		{`"request_status":"CANCELED"`, "active", 3, true},
		{`"request_status":"INVALID"`, "active", 3, true},
		{`"request_status":"DUPLICATE"`, "active", 3, true},
		{`"request_status":"SKIPPED"`, "active", 3, true},
		{`"request_status":"COMPLETED","channel_manager_status":"BUSY"`, "active", 3, true},

		{`"request_status":"FAILED"`, "active", 3, true},
		{`"request_status":"FAILED","channel_manager_status":"FAILED","attempt_count":1`, "active", 3, true},
		{`"request_status":"FAILED","channel_manager_status":"BUSY","attempt_count":1`, "active", 1, false},
		{`"request_status":"FAILED","channel_manager_status":"NO-ANSWER","attempt_count":1`, "active", 1, false},
		{`"request_status":"FAILED","channel_manager_status":"NO_ANSWER","attempt_count":1`, "active", 1, false},
		{`"request_status":"FAILED","channel_manager_status":"BUSY","attempt_count":2`, "active", 1, true},
		{`"request_status":"FAILED","channel_manager_status":"BUSY","attempt_count":1`, "active", 0, true},
		{`"request_status":"FAILED","channel_manager_status":"BUSY"`, "active", 0, true},
		{`"request_status":"FAILED","channel_manager_status":"BUSY","attempt_count":9`, "active", -1, false},
		{`"request_status":"FAILED","channel_manager_status":"BUSY","attempt_count":1`, "expired", -1, true},

		{`"attempt_count":0`, "active", 0, false},
		{`"request_status":"PENDING"`, "active", 0, false},
		{`"request_status":"QUEUED"`, "strange", 0, false},
		{`"request_status":"PENDING"`, "expired", 0, true},
		{`"request_status":"PENDING"`, "canceled", 0, true},
		{`"request_status":"QUEUED"`, "failed", 0, true},
		{`"request_status":null`, "deleted", 0, true},
		{`"request_status":"PENDING","attempt_count":1`, "expired", 0, false},

		{`"request_status":"INITIATED"`, "expired", 0, false},
		{`"request_status":"CONNECTED"`, "deleted", 0, false},

		{`"request_status":"COMPLETED","insights_status":null`, "active", 0, true},
		{`"request_status":"COMPLETED","insights_status":"COMPLETED"`, "active", 0, true},
		{`"request_status":"COMPLETED","insights_status":"FAILED"`, "active", 0, true},
		{`"request_status":"COMPLETED","insights_status":"PENDING"`, "expired", 0, false},
		{`"request_status":"COMPLETED","insights_status":"PROCESSING"`, "active", 0, false},
		{`"request_status":"COMPLETED","insights_status":"QUEUED_AGAIN"`, "active", 0, false},
		{`"request_status":"PENDING","insights_status":"PENDING"`, "expired", 0, false},
	} {
		r, err := syllable.ParseResult([]byte(`{"reference_id":"a",` + tt.result + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Ended(batches[tt.batch], tt.retries); got != tt.want {
			t.Errorf("%s in a batch that is %s, %d retries: ended %v, want %v", tt.result, tt.batch, tt.retries, got, tt.want)
		}
	}
}

// A status that nobody knows is handed on as it is, and ends nothing.
func TestFault08UnknownStatus(t *testing.T) {
	t.Parallel()
	known := []string{"", "PENDING", "QUEUED", "COMPLETED", "FAILED", "CANCELED", "INVALID", "DUPLICATE", "SKIPPED"}
	rapid.Check(t, func(rt *rapid.T) {
		status := rapid.String().Filter(func(s string) bool { return !slices.Contains(known, s) }).Draw(rt, "status")
		raw := fmt.Sprintf(`{"reference_id":"a","request_status":%s,"insights_status":%[1]s}`, quote(status))
		r, err := syllable.ParseResult([]byte(raw))
		if err != nil || *r.RequestStatus != status || *r.InsightsStatus != status {
			rt.Fatalf("%s: %+v, error %v", raw, r, err)
		}
		expired := syllable.Batch{Status: "EXPIRED"}
		withoutInsights := syllable.Result{RequestStatus: &status}
		if !r.InsightsOpen() || r.Ended(expired, 0) || withoutInsights.Ended(expired, 0) {
			rt.Errorf("%q ends a call", status)
		}
		if (syllable.Batch{Status: status}).Ended() && status != "EXPIRED" {
			rt.Errorf("%q ends a batch", status)
		}
	})
}
