package store_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/store"
)

// kept returns the revisions of the events that are in the outbox, waiting or not.
func kept(t *testing.T, s *store.Store) []uint64 {
	t.Helper()
	var all []uint64
	_, err := s.Events(0, 1<<20, 1<<30, func(_ uint64, e event.Event) { all = append(all, e.ID.Revision) })
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func revisions(from, to uint64) []uint64 {
	var all []uint64
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

func appendRevisions(t *testing.T, s *store.Store, from, to uint64) {
	t.Helper()
	for _, n := range revisions(from, to) {
		appendEvents(t, s, "b", newEvent("b", n))
	}
}

// Events stay for the time given after the stream took them, and some minutes.
func TestEventsAreKeptForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := statePath(t)
		s := open(t, path)
		appendRevisions(t, s, 1, 9)
		const stay, tolerance = time.Hour, 11 * time.Minute
		letGo := func() int {
			t.Helper()
			n, err := s.LetGo(stay)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		relayed := map[uint64]time.Time{}
		for n := uint64(1); n <= 6; n++ {
			if err := s.Relayed(n, nil); err != nil {
				t.Fatal(err)
			}
			relayed[n] = time.Now()
			time.Sleep(7 * time.Minute)
		}
		for range 3 * 60 {
			letGo()
			have := kept(t, s)
			for n, at := range relayed {
				age := time.Since(at)
				if there := slices.Contains(have, n); !there && age < stay || there && age > stay+tolerance {
					t.Fatalf("%s after it was relayed event %d is there: %v", age, n, there)
				}
			}
			time.Sleep(time.Minute)
		}
		if got := kept(t, s); !slices.Equal(got, revisions(7, 9)) {
			t.Errorf("kept %v, want those that wait", got)
		}
		if n, err := s.Pending(); n != 3 || err != nil {
			t.Errorf("%d wait, error %v", n, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path) // which looks at all of it
		appendRevisions(t, s, 10, 10)
		if got := kept(t, s); !slices.Equal(got, revisions(7, 10)) {
			t.Errorf("kept %v after a restart", got)
		}
	})
}

func TestNothingIsKeptWhereNothingIsToBe(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	appendRevisions(t, s, 1, 5)
	if err := errors.Join(s.Relayed(2, nil), s.Relayed(4, nil)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.LetGo(0); n != 4 || err != nil {
		t.Errorf("%d events went, error %v", n, err)
	}
	if got := kept(t, s); !slices.Equal(got, revisions(5, 5)) {
		t.Errorf("kept %v", got)
	}
}

// What the stream has lost waits again; what was let go cannot.
func TestEventsWaitAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := statePath(t)
		s := open(t, path)
		appendRevisions(t, s, 1, 9)
		err := s.Relayed(3, nil)
		time.Sleep(2 * time.Hour)
		err = errors.Join(err, s.ParkRelayed(4, "too large", time.Now()), s.Relayed(8, nil))
		n, err2 := s.LetGo(time.Hour)
		if err := errors.Join(err, err2, s.Relayed(0, []byte("again"))); n != 3 || err != nil {
			t.Fatalf("%d events went, error %v", n, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path)
		p, err := s.Progress()
		if p.Relayed != 3 || string(p.Note) != "again" || err != nil {
			t.Errorf("progress %v, error %v", p, err)
		}
		// The parked one does not come again, and is no obstacle.
		sequences, _ := outbox(t, s, 10, 1<<20)
		if !slices.Equal(sequences, revisions(5, 9)) {
			t.Errorf("events %v wait", sequences)
		}
		if err := s.ParkRelayed(5, "too large", time.Now()); err != nil {
			t.Error(err)
		}
		// Their time begins anew.
		if err := s.Relayed(9, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		if n, err := s.LetGo(time.Hour); n != 0 || err != nil {
			t.Errorf("%d events went, error %v", n, err)
		}
	})
}

// Only a parked one is there, so nobody is called with it; the border passes it.
func TestThroughWhatWasParked(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	appendRevisions(t, s, 1, 2)
	err := errors.Join(s.Relayed(1, nil), s.ParkRelayed(2, "too large", time.Now()), s.Relayed(1, nil))
	through, err2 := s.Events(1, 10, 1<<20, func(uint64, event.Event) { t.Error("an event that was parked") })
	if err := errors.Join(err, err2, s.Relayed(through, nil)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Pending(); n != 0 || err != nil {
		t.Errorf("%d wait, error %v", n, err)
	}
	if through, err = s.Events(2, 10, 1<<20, nil); through != 0 || err != nil {
		t.Errorf("looked at %d, error %v", through, err)
	}
}
