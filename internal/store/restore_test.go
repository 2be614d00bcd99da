package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/store"
)

// backedUp returns a state that is closed, a copy of it that is a commit older, and
// what is in that.
func backedUp(t *testing.T) (path, file string, want []string) {
	t.Helper()
	path, file = statePath(t), filepath.Join(t.TempDir(), "copy.db")
	s := open(t, path)
	appendEvents(t, s, "b", newEvent("b", 1))
	want = see(t, s)
	if _, err := save(t, s, file, false); err != nil {
		t.Fatal(err)
	}
	appendEvents(t, s, "b", newEvent("b", 2))
	s.Close()
	return path, file, want
}

// A restored state has what the copy has, but for its id: what was published since
// has ids that it would use again.
func TestRestore(t *testing.T) {
	t.Parallel()
	path, file, want := backedUp(t)
	newer, err := store.Check(path)
	if err != nil {
		t.Fatal(err)
	}
	formers := []string{want[0]}
	for round := range 3 {
		r, err := store.Restore(path, file, false)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(formers[:1], r.Former); d != "" || !r.Newest.Equal(newEvent("b", 1).Time) {
			t.Errorf("newest %v, former (-want +got):\n%s", r.Newest, d)
		}
		s := open(t, path)
		got := see(t, s)
		if slices.Contains(formers, s.ID()) || s.ID() != r.Store {
			t.Errorf("store %s, said was %s, there were %v", s.ID(), r.Store, formers)
		}
		formers = append(formers, s.ID())
		if d := cmp.Diff(want[2:], got[2:]); d != "" { // without the ids
			t.Errorf("restored (-want +got):\n%s", d)
		}
		s.Close()
		aside, err := store.Check(r.Aside)
		if round == 0 && aside != newer || err != nil || aside.Store != formers[round] {
			t.Errorf("kept aside is %v, error %v, want the store %s", aside, err, formers[round])
		}
	}
	// The ids of a copy of a restored state are kept as well.
	again := filepath.Join(t.TempDir(), "again.db")
	if _, err := save(t, open(t, path), again, false); err != nil {
		t.Fatal(err)
	}
	r, err := store.Restore(filepath.Join(t.TempDir(), "data", "notifier.db"), again, false)
	if d := cmp.Diff([]string{formers[0], formers[3]}, r.Former); d != "" || err != nil || r.Aside != "" {
		t.Errorf("into an empty place: aside %q, error %v, former (-want +got):\n%s", r.Aside, err, d)
	}
}

// Nothing is changed unless the copy is good and nobody uses the state.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	path, file, _ := backedUp(t)
	copyOf, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(copyOf)
	flipped[bytes.Index(flipped, newEvent("b", 1).Data)] ^= 1
	newer := writeState(t, copyOf)
	if err := store.SetSchema(newer, "99"); err != nil {
		t.Fatal(err)
	}
	inUse := writeState(t, copyOf)
	open(t, inUse)
	for name, tt := range map[string]struct {
		file string
		want error
	}{
		"not there":        {filepath.Join(t.TempDir(), "none"), os.ErrNotExist},
		"empty":            {writeState(t, nil), store.ErrDamaged},
		"no state":         {writeState(t, make([]byte, 50_000)), store.ErrDamaged},
		"cut":              {writeState(t, copyOf[:len(copyOf)/2]), store.ErrDamaged},
		"a flipped bit":    {writeState(t, flipped), store.ErrDamaged},
		"a newer schema":   {newer, store.ErrNewer},
		"in use itself":    {inUse, store.ErrLocked},
		"the state itself": {path, nil},
	} {
		for _, repair := range []bool{false, true} {
			if name == "the state itself" && repair {
				continue // that is what it is for
			}
			_, err := store.Restore(path, tt.file, repair)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.file) {
				t.Errorf("%s: error %v, want %v, with the file's name", name, err, tt.want)
			}
		}
	}
	s := open(t, path)
	if _, err := store.Restore(path, file, false); !errors.Is(err, store.ErrLocked) {
		t.Errorf("while it is open: error %v, want that it is in use", err)
	}
	s.Close()
	if after, _ := os.ReadFile(path); !slices.Equal(before, after) {
		t.Error("the state was changed")
	}
	if all, _ := os.ReadDir(filepath.Dir(path)); len(all) != 1 {
		t.Errorf("%d files are there, want the state alone", len(all))
	}
}

// A state that does not open is what a restore is mostly for.
func TestRestoreOverADamagedState(t *testing.T) {
	t.Parallel()
	_, file, want := backedUp(t)
	for name, content := range map[string][]byte{
		"empty": {}, "text": []byte(strings.Repeat("not a state ", 1000)), "zeroed": make([]byte, 50_000),
	} {
		path := writeState(t, content)
		r, err := store.Restore(path, file, false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := open(t, path)
		if n, err := s.Pending(); n != 1 || err != nil || s.Former()[0] != want[0] {
			t.Errorf("%s: %d events, error %v", name, n, err)
		}
		if kept, _ := os.ReadFile(r.Aside); !slices.Equal(kept, content) {
			t.Errorf("%s: it was not kept", name)
		}
	}
}

// At no moment is there no state in the place: a start would make a new one.
func TestRestoreLeavesNoGap(t *testing.T) {
	t.Parallel()
	skipOnWindows(t)
	path, file, _ := backedUp(t)
	done := make(chan struct{})
	var looks sync.WaitGroup
	for _, look := range []func() error{
		func() error {
			_, err := os.Stat(path)
			return err
		},
		func() error {
			s, err := store.OpenExisting(path)
			if err == nil {
				err = errors.Join(eachEvent(s, 1, 1, func(uint64, event.Event) {}), s.Close())
			}
			return err
		},
	} {
		looks.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := look(); err != nil && !errors.Is(err, store.ErrLocked) {
					t.Errorf("a start while it is restored: %v", err)
				}
			}
		})
	}
	restored := 0
	for restored < 20 {
		if _, err := store.Restore(path, file, false); err == nil {
			restored++
		} else if !errors.Is(err, store.ErrLocked) {
			t.Error(err)
			break
		}
	}
	close(done)
	looks.Wait()
}
