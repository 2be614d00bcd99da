package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/diff"
	"github.com/syllable-notifier/notifier/internal/store"
)

// A sight has all of one batch: its calls, what waits of it, what is parked of it.
func TestSight(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	at := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	call := store.Call{Record: diff.Record{Revision: 4}}
	err := s.Update("a", func(tx *store.Tx) error {
		return errors.Join(tx.PutBatch(store.Batch{Events: 4}), tx.PutCall("r", call))
	})
	if err != nil {
		t.Fatal(err)
	}
	appendEvents(t, s, "a", newEvent("a", 1), newEvent("a", 2))
	appendEvents(t, s, "b", newEvent("b", 1))
	appendEvents(t, s, "a", newEvent("a", 3), newEvent("a", 4))
	if err := errors.Join(s.Relayed(1, nil), s.ParkRelayed(2, "too large", at)); err != nil {
		t.Fatal(err)
	}
	if err := s.Park(store.Parked{By: "slack", Reason: "no", Event: newEvent("a", 1)}); err != nil {
		t.Fatal(err)
	}
	calls := map[string]store.Call{}
	got, err := s.Sight("a", func(reference string, c store.Call) { calls[reference] = c })
	if err != nil {
		t.Fatal(err)
	}
	parked := store.Parked{By: "relay", Reason: "too large", At: at, Event: event.Event{ID: newEvent("a", 2).ID}}
	want := store.Sight{
		Batch: store.Batch{Events: 4}, Waiting: []event.Event{newEvent("a", 3), newEvent("a", 4)},
		Parked: []store.Parked{parked},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("sight (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]store.Call{"r": call}, calls); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
	if _, err := s.Sight("c", func(string, store.Call) {}); !errors.Is(err, store.ErrNoBatch) {
		t.Errorf("of another batch: %v", err)
	}
	all, err := s.Recorded()
	if err != nil || len(all) != 2 || all[0].ID != "a" || all[0].Events != 4 || all[1].ID != "b" {
		t.Errorf("batches %+v, error %v", all, err)
	}
}

// It is in memory, so it has a bound.
func TestSightIsBounded(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	large := newEvent("a", 1)
	large.Data = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	for range 32 {
		appendEvents(t, s, "a", large)
	}
	if _, err := s.Sight("a", func(string, store.Call) {}); !errors.Is(err, store.ErrBacklog) {
		t.Errorf("error %v", err)
	}
	if err := s.Relayed(30, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Sight("a", func(string, store.Call) {}); err != nil || len(got.Waiting) != 2 {
		t.Errorf("%d events wait, error %v", len(got.Waiting), err)
	}
}
