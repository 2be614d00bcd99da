package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/store"
)

func skipOnWindows(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open cannot be removed there")
	}
}

func see(t *testing.T, s *store.Store) []string {
	t.Helper()
	all, err := sight(s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// putCall is a commit that changes something.
func putCall(s *store.Store) error {
	return s.Update("b", func(tx *store.Tx) error { return tx.PutCall("later", store.Call{Size: 1}) })
}

// A commit to a file without a name would be lost, and the next start would take
// all that happened since for what was there before, silently. So it fails, and
// what was committed is in place again.
func TestFault25FileUnlinked(t *testing.T) {
	t.Parallel()
	skipOnWindows(t)
	for name, remove := range map[string]func(path string) error{
		"the file":   os.Remove,
		"the folder": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"by moving":  func(path string) error { return os.Rename(path, path+".moved") },
	} {
		for notice, look := range map[string]func(*store.Store) error{
			"a commit": putCall,
			"a look":   (*store.Store).CheckIdentity,
			"the stop": (*store.Store).Close,
		} {
			t.Run(name+", noticed by "+notice, func(t *testing.T) {
				t.Parallel()
				path := statePath(t)
				s := open(t, path)
				appendEvents(t, s, "b", newEvent("b", 1))
				want := see(t, s)
				if err := remove(path); err != nil {
					t.Fatal(err)
				}
				if n, err := s.Pending(); n != 1 || err != nil {
					t.Errorf("%d events can be read before it is noticed, error %v", n, err)
				}
				err := look(s)
				if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "removed") ||
					!strings.Contains(err.Error(), "a new start goes on with it") {
					t.Errorf("error %v, want that the file was removed, and is in place again", err)
				}
				if notice != "the stop" {
					// Until the process ends nobody else has it, and nothing more is committed.
					if _, err := store.Open(path); !errors.Is(err, store.ErrLocked) {
						t.Errorf("another process: error %v, want that it is in use", err)
					}
					if err := putCall(s); !errors.Is(err, store.ErrDamaged) {
						t.Errorf("the next commit: error %v", err)
					}
					if err := s.Close(); err != nil {
						t.Errorf("close: %v", err)
					}
				}
				if d := cmp.Diff(want, see(t, open(t, path))); d != "" {
					t.Errorf("after a new start (-want +got):\n%s", d)
				}
				if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
					t.Errorf("left over: %v", left)
				}
			})
		}
	}
}

// Another file may be there on purpose: it stays, and what the process had is kept
// beside it.
func TestFault25FileReplaced(t *testing.T) {
	t.Parallel()
	skipOnWindows(t)
	path := statePath(t)
	s := open(t, path)
	appendEvents(t, s, "b", newEvent("b", 1))
	want := see(t, s)
	other := filepath.Join(t.TempDir(), "other.db")
	theirs := open(t, other).ID()
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	err := putCall(s)
	kept, _ := filepath.Glob(path + ".replaced-*")
	if len(kept) != 1 || !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), kept[0]) {
		t.Fatalf("error %v, want one that names what is kept: %v", err, kept)
	}
	if d := cmp.Diff(want, see(t, openAfter(t, s, kept[0]))); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
	if summary, err := store.Check(path); err == nil && summary.Store != theirs {
		t.Errorf("the other file has the store %s, want %s", summary.Store, theirs)
	}
}

// openAfter closes a state and opens another.
func openAfter(t *testing.T, s *store.Store, path string) *store.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

// A file that is cut is never committed to, wherever that is, which would fill it
// up with zeros; and the process can stop, also when bbolt had its locks.
func TestFault24CutWhileOpen(t *testing.T) {
	t.Parallel()
	skipOnWindows(t)
	for _, pages := range []int64{0, 1, 2, 3, 5, 20} {
		for name, touch := range map[string]func(*store.Store) error{
			"commit": putCall,
			"look":   (*store.Store).CheckIdentity,
			"read": func(s *store.Store) error {
				// What is read may be there still.
				_ = eachEvent(s, 10, 1<<20, func(uint64, event.Event) {})
				return s.CheckIdentity()
			},
		} {
			path := statePath(t)
			s := open(t, path)
			for n := range uint64(40) {
				e := newEvent("b", n+1)
				e.Data = bytes.Repeat([]byte("x"), 5000)
				appendEvents(t, s, "b", e)
			}
			size := pages * int64(os.Getpagesize())
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			if err := touch(s); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("cut to %d pages: %s: error %v, want that it is damaged", pages, name, err)
			}
			if err := putCall(s); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("cut to %d pages: commit after the %s: error %v", pages, name, err)
			}
			if info, err := os.Stat(path); err != nil || info.Size() != size {
				t.Errorf("cut to %d pages: it has %d bytes now, error %v", pages, info.Size(), err)
			}
			_ = s.Close() // it returns
			if _, err := store.Open(path); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("cut to %d pages: the next start: error %v", pages, err)
			}
		}
	}
}

// Pages that are overwritten while the file is open: bbolt panics, also while it
// rolls back, and keeps its locks. Whoever comes after must not wait for them.
func TestFault28OverwrittenWhileOpen(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	s := open(t, path)
	for n := range uint64(40) {
		appendEvents(t, s, "b", newEvent("b", n+1))
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	header := 2 * int64(os.Getpagesize())
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, int(fileSize(t, path)-header)), header); err != nil {
		t.Fatal(err)
	}
	for n, touch := range []func() error{
		func() error { return putCall(s) },
		func() error { return putCall(s) },
		s.CheckIdentity,
		func() error { return eachEvent(s, 1, 1, func(uint64, event.Event) {}) },
	} {
		if err := touch(); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("call %d: error %v, want that it is damaged", n, err)
		}
	}
	_ = s.Close()
	if _, err := store.Open(path); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("the next start: error %v", err)
	}
}
