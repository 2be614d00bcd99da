package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/store"
)

// pileUp commits events with much data and lets them go again, so that most of the
// file is free pages. A few stay.
func pileUp(t *testing.T, s *store.Store, events int) {
	t.Helper()
	big := newEvent("b", 1)
	big.Data = make([]byte, 100_000)
	for n := range events {
		big.ID.Revision = uint64(n + 1)
		appendEvents(t, s, "b", big)
	}
	appendEvents(t, s, "b", newEvent("b", 1), newEvent("b", 2))
	pending, err := s.Pending()
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	err = eachEvent(s, int(pending), 1<<40, func(sequence uint64, _ event.Event) { last = sequence })
	if err = errors.Join(err, s.Relayed(last-2, []byte("note")), letAllGo(s)); err != nil {
		t.Fatal(err)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// A compaction gives back what is free and keeps all else, checksums and sequences
// included; commits go on in the new file.
func TestCompaction(t *testing.T) {
	t.Parallel()
	skipOnWindows(t)
	path := statePath(t)
	s := open(t, path)
	if err := s.Park(store.Parked{By: "slack", Event: newEvent("b", 1)}); err != nil {
		t.Fatal(err)
	}
	pileUp(t, s, 100)
	want, before := see(t, s), fileSize(t, path)
	if done, err := s.CompactIfNeeded(); done != (store.Compaction{}) || err != nil {
		t.Fatalf("10 MB are no reason: %v, error %v", done, err)
	}
	s.CompactAbove(5 << 20)
	done, err := s.CompactIfNeeded()
	after := fileSize(t, path)
	if err != nil || done.Before != before || done.After != after || after > before/10 {
		t.Fatalf("%v, error %v, %d bytes before and %d after", done, err, before, after)
	}
	if d := cmp.Diff(want, see(t, s)); d != "" {
		t.Errorf("after it (-want +got):\n%s", d)
	}
	if done, err := s.CompactIfNeeded(); done != (store.Compaction{}) || err != nil {
		t.Errorf("again: %v, error %v", done, err)
	}
	appendEvents(t, s, "b", newEvent("b", 3))
	want = see(t, s)
	s.Close()
	if d := cmp.Diff(want, see(t, open(t, path))); d != "" {
		t.Errorf("after a restart (-want +got):\n%s", d)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.tmp")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// While a state is compacted again and again, commits and readers lose nothing,
// and no other process gets in between.
func TestCompactionAmongOthers(t *testing.T) {
	t.Parallel()
	skipOnWindows(t)
	path := statePath(t)
	s := open(t, path)
	s.CompactAbove(-1)
	done := make(chan struct{})
	var others sync.WaitGroup
	for range 3 {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if other, err := store.Open(path); !errors.Is(err, store.ErrLocked) {
					t.Errorf("another process: error %v, want that it is in use", err)
					if err == nil {
						other.Close()
					}
				}
			}
		})
	}
	others.Go(func() {
		for seen := uint64(0); ; {
			select {
			case <-done:
				return
			default:
			}
			n, err := s.Pending()
			if err != nil || n < seen {
				t.Errorf("%d events after %d, error %v", n, seen, err)
			}
			seen = n
		}
	})
	const rounds, commits = 40, 5
	for round := range rounds {
		others.Go(func() {
			for n := range commits {
				appendEvents(t, s, fmt.Sprint("b", round), newEvent("b", uint64(n+1)))
			}
		})
		// Free pages are needed for one.
		if err := errors.Join(s.PutPlace("slack", make([]byte, 50_000)), s.PutPlace("slack", nil)); err != nil {
			t.Error(err)
		}
		if _, err := s.CompactIfNeeded(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	others.Wait()
	s.Close()
	if n, err := open(t, path).Pending(); n != rounds*commits || err != nil {
		t.Errorf("%d events, want %d, error %v", n, rounds*commits, err)
	}
}

// A file that was removed is not missed because a compaction makes a new one.
func TestCompactionOfARemovedFile(t *testing.T) {
	t.Parallel()
	skipOnWindows(t)
	path := statePath(t)
	s := open(t, path)
	pileUp(t, s, 20)
	want := see(t, s)
	s.CompactAbove(0)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CompactIfNeeded(); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("error %v, want that it was removed", err)
	}
	if d := cmp.Diff(want, see(t, openAfter(t, s, path))); d != "" {
		t.Errorf("after a new start (-want +got):\n%s", d)
	}
}
