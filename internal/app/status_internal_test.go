package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/ops"
)

// Lag is what alerts are made of: it must show a batch that is not read, and no
// batch of which nothing more is wanted.
func TestLag(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	ago := func(s int) time.Time { return now.Add(-time.Duration(s) * time.Second) }
	for name, tt := range map[string]struct {
		b    fetch.BatchStatus
		want float64
	}{
		"in time": {fetch.BatchStatus{Found: ago(900), LastPoll: ago(10), NextPoll: ago(-5), Interval: 15 * time.Second}, 0},
		"late":    {fetch.BatchStatus{Found: ago(900), LastPoll: ago(40), NextPoll: ago(25), Interval: 15 * time.Second}, 25},
		"fails, and is tried again later": {
			fetch.BatchStatus{Found: ago(900), LastPoll: ago(400), NextPoll: ago(-100), Interval: 15 * time.Second}, 385,
		},
		"just found":  {fetch.BatchStatus{State: fetch.StateDiscovered, Found: now}, 0},
		"never read":  {fetch.BatchStatus{State: fetch.StateDiscovered, Found: ago(70), NextPoll: ago(-9)}, 70},
		"over":        {fetch.BatchStatus{State: fetch.StateSettled, LastPoll: ago(900), Interval: time.Second}, 0},
		"gone":        {fetch.BatchStatus{State: fetch.StateGone, LastPoll: ago(900), NextPoll: ago(-30)}, 0},
		"gone, late":  {fetch.BatchStatus{State: fetch.StateGone, LastPoll: ago(900), NextPoll: ago(30)}, 30},
		"never there": {fetch.BatchStatus{State: fetch.StateGone, Found: ago(900), NextPoll: ago(-30)}, 0},
	} {
		if got := batchStatus("b", tt.b, now).Lag; got != tt.want {
			t.Errorf("%s: %v s late, want %v", name, got, tt.want)
		}
	}
}

func TestBatchStatus(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 8, 22, 12, 0, 0, 123456789, time.FixedZone("", 7200))
	campaign := int64(3)
	got := batchStatus("b", fetch.BatchStatus{
		CampaignID: &campaign, Campaign: "Reminders", Status: "ACTIVE", State: fetch.StateActive,
		Found: at, LastPoll: at, NextPoll: at.Add(15 * time.Second), Interval: 15 * time.Second,
		Held: fetch.Held{Events: 9, Calls: map[string]map[string]int{
			"": {"": 1}, "PENDING": {"": 2}, "CONNECTED": {"": 1, "RINGING": 2}, "NEW": {"": 1}, "FAILED": {"BUSY": 2, "": 1},
		}},
		Failures: 1, LastError: "x", Spent: fetch.Spent{Requests: 4, Bytes: 5},
	}, at)
	utc := time.Date(2026, 8, 22, 10, 0, 0, 123000000, time.UTC)
	next := utc.Add(15 * time.Second)
	want := ops.Batch{
		ID: "b", CampaignID: &campaign, Campaign: "Reminders", Status: "ACTIVE", State: ops.BatchActive, Found: &utc,
		Calls:   map[string]int{"": 1, "PENDING": 2, "CONNECTED": 3, "NEW": 1, "FAILED": 3},
		Waiting: 3, Moving: 4, Ended: 3, Events: 9, LastPoll: &utc, NextPoll: &next, Interval: 15,
		Failures: 1, LastError: "x", Requests: 4, Bytes: 5,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// The two packages name the states alike.
func TestStates(t *testing.T) {
	t.Parallel()
	for have, want := range map[fetch.State]string{
		fetch.StateDiscovered: ops.BatchDiscovered, fetch.StateActive: ops.BatchActive, fetch.StateQuiet: ops.BatchQuiet,
		fetch.StateSettled: ops.BatchSettled, fetch.StateGone: ops.BatchGone,
	} {
		if string(have) != want {
			t.Errorf("%s in fetch is %s in ops", have, want)
		}
	}
}
