package store_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/syllable-notifier/notifier/internal/store"
)

// oldState returns a state that a program of schema 1 wrote.
func oldState(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open("testdata/schema-1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A state of schema 1 goes on with all that it had, and stays beside as it was.
func TestMigrationFromSchema1(t *testing.T) {
	t.Parallel()
	whole, path := oldState(t), filepath.Join(t.TempDir(), "notifier.db")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start finds the new one
		s := open(t, path)
		if s.ID() != "p24s5t5lrjnr" {
			t.Errorf("id %s", s.ID())
		}
		// 40 events of two batches, of which 25 were relayed and one was parked, and
		// one of the source.
		sequences, _ := outbox(t, s, 100, 1<<20)
		if !slices.Equal(sequences, revisions(27, 41)) {
			t.Errorf("events %v wait", sequences)
		}
		p, err := s.Progress()
		place, err2 := s.Place("slack")
		source, err3 := s.Source()
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(p.Note, []byte(`"seq":25`)) || string(place) != "place" || source.FailedPolls != 3 ||
			s.ParkedCount() != 1 {
			t.Errorf("note %s, place %s, source %v, %d parked", p.Note, place, source, s.ParkedCount())
		}
		for _, batch := range []string{"20260822.9", "b"} {
			calls := 0
			err := s.View(batch, func(tx *store.Tx) error {
				return tx.EachCall(func(string, store.Call) error {
					calls++
					return nil
				})
			})
			if calls != 20 || err != nil {
				t.Errorf("%d calls of batch %s, error %v", calls, batch, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(path + ".schema-1")
	const headers = 2 * 4096
	if err != nil || len(before) < headers || !bytes.Equal(before[headers:], whole[headers:len(before)]) {
		t.Errorf("%d bytes beside it, error %v, want those of before", len(before), err)
	}
}

// Damage is found before anything is changed.
func TestMigrationOfADamagedState(t *testing.T) {
	t.Parallel()
	whole := oldState(t)
	at := bytes.LastIndex(whole, []byte("r07"))
	whole[at+10] ^= 4
	path := filepath.Join(t.TempDir(), "notifier.db")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(path); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("error %v, want that it is damaged", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, whole) {
		t.Errorf("the file was changed, error %v", err)
	}
}
