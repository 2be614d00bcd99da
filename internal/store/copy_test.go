package store_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/store"
)

// save keeps a copy of an open state in a file.
func save(t *testing.T, s *store.Store, path string, overwrite bool) (store.Summary, error) {
	t.Helper()
	c, err := s.Copy()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return store.SaveCopy(path, overwrite, func(w io.Writer) error {
		n, err := io.Copy(w, c)
		if n != c.Size {
			t.Errorf("%d bytes, it should have %d", n, c.Size)
		}
		return err
	})
}

// A copy has what was committed before it was asked for, and nothing that came
// while it was read.
func TestCopy(t *testing.T) {
	t.Parallel()
	s, file := open(t, statePath(t)), filepath.Join(t.TempDir(), "copy.db")
	at := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	err := s.Update("b", func(tx *store.Tx) error {
		return errors.Join(tx.PutBatch(store.Batch{Polled: &at}), tx.Append(newEvent("b", 1)))
	})
	if err != nil {
		t.Fatal(err)
	}
	want := see(t, s)
	c, err := s.Copy()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := putCall(s); err != nil {
		t.Fatal(err)
	}
	summary, err := store.SaveCopy(file, false, func(w io.Writer) error {
		_, err := io.Copy(w, c)
		return err
	})
	wantSummary := store.Summary{Store: s.ID(), Bytes: fileSize(t, file), Newest: newEvent("b", 1).Time}
	if d := cmp.Diff(wantSummary, summary); d != "" || err != nil {
		t.Errorf("summary (-want +got), error %v:\n%s", err, d)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Check(file); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadFile(file); !slices.Equal(before, after) {
		t.Error("the check changed the copy")
	}
	if d := cmp.Diff(want, see(t, open(t, file))); d != "" {
		t.Errorf("the copy (-want +got):\n%s", d)
	}
}

func TestSaveCopyKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	s, dir := open(t, statePath(t)), t.TempDir()
	file := filepath.Join(dir, "copy.db")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	for name, try := range map[string]func() error{
		"no overwriting": func() error { _, err := save(t, s, file, false); return err },
		"cut off": func() error {
			_, err := store.SaveCopy(file, true, func(w io.Writer) error {
				_, err := w.Write(make([]byte, 5000))
				return errors.Join(err, boom)
			})
			return err
		},
		"no state": func() error {
			_, err := store.SaveCopy(file, true, func(w io.Writer) error {
				_, err := w.Write(make([]byte, 50_000))
				return err
			})
			return err
		},
		"nothing": func() error {
			_, err := store.SaveCopy(file, true, func(io.Writer) error { return nil })
			return err
		},
	} {
		err := try()
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if got, _ := os.ReadFile(file); string(got) != "precious" {
			t.Errorf("%s: what was there is %.20q now", name, got)
		}
	}
	if _, err := save(t, s, file, true); err != nil {
		t.Error(err)
	}
	if all, _ := os.ReadDir(dir); len(all) != 1 {
		t.Errorf("%d files, want the copy alone", len(all))
	}
}

// Who takes a copy slowly, or never, holds no transaction: pages that are free are
// used again meanwhile, so that the file does not grow. With a transaction that is
// held as long it would, until it has to be mapped anew, for which commits would
// wait.
func TestFault30HeldReader(t *testing.T) {
	t.Parallel()
	const commits = 500
	grown := func(hold func(s *store.Store) (release func())) int64 {
		path := statePath(t)
		s := open(t, path)
		appendEvents(t, s, "b", newEvent("b", 1))
		before := fileSize(t, path)
		release := hold(s)
		defer release()
		for n := range commits {
			err := s.Update("b", func(tx *store.Tx) error { return tx.PutCall("r", store.Call{Size: uint64(n)}) })
			if err != nil {
				t.Fatal(err)
			}
		}
		return fileSize(t, path) - before
	}
	free := grown(func(*store.Store) func() { return func() {} })
	slow := grown(func(s *store.Store) func() {
		c, err := s.Copy()
		if err != nil {
			t.Fatal(err)
		}
		return func() { c.Close() }
	})
	t.Logf("the file grew by %d bytes, with a copy that is not read by %d", free, slow)
	if slow > free+256<<10 {
		t.Errorf("the file grew by %d bytes with the copy, %d without", slow, free)
	}
}

// A first start that was cut off at any of its steps leaves no state, or a whole
// one: the next start works, and makes no second.
func TestFault29CutOffWhileCreating(t *testing.T) {
	t.Parallel()
	whole := statePath(t)
	id := open(t, whole).ID()
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	pages := len(content) / os.Getpagesize()
	for n := range pages + 1 {
		path := statePath(t)
		dir := filepath.Dir(path)
		half := filepath.Join(dir, ".notifier-abc.tmp")
		err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(half, content[:n*os.Getpagesize()], 0o600))
		if err != nil {
			t.Fatal(err)
		}
		linked := n == pages
		if linked { // and the name of the file that was made is still there
			if err := os.Link(half, path); err != nil {
				t.Skipf("a file system without links: %v", err)
			}
		}
		s := open(t, path)
		if got := s.ID(); (got == id) != linked {
			t.Errorf("%d pages were made: store %s, the one that was made is %s", n, got, id)
		}
		first := s.ID()
		s.Close()
		if again := open(t, path).ID(); again != first {
			t.Errorf("%d pages were made: store %s, and then %s", n, first, again)
		}
		if all, _ := os.ReadDir(dir); len(all) != 1 {
			t.Errorf("%d pages were made: %d files are there", n, len(all))
		}
	}
}

// Many that make the first state at once make one.
func TestFault29CreatedAtOnce(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	const processes = 8
	results, tried := make(chan error, processes), make(chan struct{})
	var all sync.WaitGroup
	for range processes {
		all.Go(func() {
			s, err := store.Open(path)
			results <- err
			if err == nil {
				<-tried
				s.Close()
			}
		})
	}
	opened := 0
	for range processes {
		if err := <-results; err == nil {
			opened++
		} else if !errors.Is(err, store.ErrLocked) {
			t.Errorf("error %v, want that it is in use", err)
		}
	}
	close(tried)
	all.Wait()
	if opened != 1 {
		t.Errorf("%d opened it, want 1", opened)
	}
}
