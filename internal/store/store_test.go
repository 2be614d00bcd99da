package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/diff"
	"github.com/syllable-notifier/notifier/internal/store"
)

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func statePath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "data", "notifier.db")
}

func newEvent(batch string, n uint64) event.Event {
	campaign := int64(7)
	return event.Event{
		ID:   event.ID{Store: "s", Batch: batch, Reference: "r", Revision: n},
		Name: "request.failed", Source: "https://api.example.com/x", CampaignID: &campaign,
		Time: time.Date(2026, 8, 22, 10, 0, 0, 123456789, time.UTC),
		Data: []byte(fmt.Sprintf(`{"n": %d, "text":"<&>"}`, n)),
	}
}

func appendEvents(t *testing.T, s *store.Store, batch string, all ...event.Event) {
	t.Helper()
	err := s.Update(batch, func(tx *store.Tx) error {
		for _, e := range all {
			if err := tx.Append(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func outbox(t *testing.T, s *store.Store, limit, maxBytes int) (sequences []uint64, all []event.Event) {
	t.Helper()
	p, err := s.Progress()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Events(p.Relayed, limit, maxBytes, func(n uint64, e event.Event) {
		sequences, all = append(sequences, n), append(all, e)
	})
	if err != nil {
		t.Fatal(err)
	}
	return sequences, all
}

func TestStateSurvivesAReopening(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	s := open(t, path)
	failed, busy := "FAILED", "BUSY"
	at := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	campaign := int64(3)
	batch := store.Batch{CampaignID: &campaign, Polled: &at}
	call := store.Call{
		Record: diff.Record{Values: diff.Values{Request: &failed, Channel: &busy}, Revision: 300, ContentTold: true},
		Sum:    1 << 63, Size: 812,
	}
	e := newEvent("20260822.9", 300)
	err := s.Update("20260822.9", func(tx *store.Tx) error {
		return errors.Join(tx.PutBatch(batch), tx.PutCall("r", call), tx.Append(e))
	})
	if err != nil {
		t.Fatal(err)
	}
	id := s.ID()
	s.Close()
	s = open(t, path)
	if s.ID() != id || id == "" {
		t.Errorf("id %q, was %q", s.ID(), id)
	}
	err = s.View("20260822.9", func(tx *store.Tx) error {
		b, err := tx.Batch()
		if d := cmp.Diff(batch, b); d != "" || err != nil {
			t.Errorf("batch (-want +got), error %v:\n%s", err, d)
		}
		c, ok, err := tx.Call("r")
		if d := cmp.Diff(call, c); d != "" || !ok || err != nil {
			t.Errorf("call (-want +got), error %v:\n%s", err, d)
		}
		_, ok, err = tx.Call("other")
		if ok || err != nil {
			t.Errorf("a call that is not there: %v, %v", ok, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, all := outbox(t, s, 10, 1<<20)
	if d := cmp.Diff([]event.Event{e}, all); d != "" {
		t.Errorf("outbox (-want +got):\n%s", d)
	}
	err = s.View("never seen", func(tx *store.Tx) error {
		b, err := tx.Batch()
		_, ok, err2 := tx.Call("r")
		if d := cmp.Diff(store.Batch{}, b); d != "" || ok {
			t.Errorf("a batch that is not there: %s, call %v", d, ok)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Either all of a transaction is there or nothing of it.
func TestUpdateFailsWhole(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	boom := errors.New("boom")
	err := s.Update("b", func(tx *store.Tx) error {
		return errors.Join(tx.PutCall("r", store.Call{}), tx.Append(newEvent("b", 1)), boom)
	})
	if !errors.Is(err, boom) {
		t.Fatalf("error %v", err)
	}
	if n, err := s.Pending(); n != 0 || err != nil {
		t.Errorf("%d events, error %v", n, err)
	}
	select {
	case <-s.Committed():
		t.Error("told of a commit that was none")
	default:
	}
}

func TestOutboxKeepsItsOrder(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	for n := range uint64(5) {
		appendEvents(t, s, fmt.Sprint("b", n%2), newEvent("b", n+1))
	}
	select {
	case <-s.Committed():
	default:
		t.Error("not told of the commits")
	}
	size := len(newEvent("b", 1).Data)
	for _, tt := range []struct{ limit, bytes, want int }{
		{10, 1 << 20, 5}, {2, 1 << 20, 2}, {10, 3*size + 1, 3}, {10, 1, 1},
	} {
		if got, _ := outbox(t, s, tt.limit, tt.bytes); len(got) != tt.want {
			t.Errorf("limit %d, %d bytes: %d events, want %d", tt.limit, tt.bytes, len(got), tt.want)
		}
	}
	sequences, all := outbox(t, s, 10, 1<<20)
	if !slices.IsSorted(sequences) || all[4].ID.Revision != 5 {
		t.Errorf("sequences %v", sequences)
	}
	if p, err := s.Progress(); len(p.Note) > 0 || p.Relayed != 0 || err != nil {
		t.Errorf("progress %v, error %v at first", p, err)
	}
	if err := s.Relayed(sequences[2], []byte("here")); err != nil {
		t.Fatal(err)
	}
	left, _ := outbox(t, s, 10, 1<<20)
	if d := cmp.Diff(sequences[3:], left); d != "" {
		t.Errorf("left (-want +got):\n%s", d)
	}
	if p, err := s.Progress(); string(p.Note) != "here" || p.Relayed != sequences[2] || err != nil {
		t.Errorf("progress %v, error %v", p, err)
	}
	if err := s.Relayed(sequences[4], nil); err != nil {
		t.Fatal(err)
	}
	appendEvents(t, s, "b", newEvent("b", 6))
	if again, _ := outbox(t, s, 10, 1<<20); again[0] <= sequences[4] {
		t.Errorf("sequence %d is used again", again[0])
	}
}

func TestParking(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	first, second := newEvent("b", 1), newEvent("b", 2)
	appendEvents(t, s, "b", first, second)
	sequences, _ := outbox(t, s, 10, 1<<20)
	at := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	if err := s.ParkRelayed(sequences[1], "x", at); err == nil {
		t.Error("an event that is not the oldest was parked")
	}
	if err := s.ParkRelayed(sequences[0], "too large", at); err != nil {
		t.Fatal(err)
	}
	if err := s.Park(store.Parked{By: "slack", Reason: "no", At: at, Event: second}); err != nil {
		t.Fatal(err)
	}
	got, err := s.ParkedEvents()
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Parked{
		{By: "relay", Reason: "too large", At: at, Event: first},
		{By: "slack", Reason: "no", At: at, Event: second},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("parked (-want +got):\n%s", d)
	}
	if n, _ := s.Pending(); n != 1 {
		t.Errorf("%d events wait, want 1", n)
	}
}

func TestBaselineCountsOnce(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	s := open(t, path)
	if first, err := s.Baseline([]string{"a"}, true); !first || err != nil {
		t.Fatalf("first %v, error %v", first, err)
	}
	s.Close()
	s = open(t, path)
	if first, err := s.Baseline([]string{"a", "b"}, true); first || err != nil {
		t.Fatalf("after a restart: first %v, error %v", first, err)
	}
	for batch, want := range map[string]bool{"a": true, "b": false} {
		err := s.View(batch, func(tx *store.Tx) error {
			b, err := tx.Batch()
			if b.Silent != want {
				t.Errorf("batch %s is silent: %v", batch, b.Silent)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFault26Locked(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	open(t, path)
	_, err := store.Open(path)
	if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), "NOTIFIER_DATA_DIR") {
		t.Errorf("error %v, want that it is in use, and what to do", err)
	}
}

func TestFault58Modes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	path := statePath(t)
	open(t, path).Close()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode %o of %s, want %o", got, filepath.Base(name), want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left over from the creation: %v", left)
	}
}

// A file that is none of ours, or not whole, is an error and is left as it is.
func TestFault23DamagedFile(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	s := open(t, path)
	appendEvents(t, s, "b", newEvent("b", 1))
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":  {},
		"text":   []byte(strings.Repeat("this is not a state\n", 1000)),
		"cut":    whole[:len(whole)/4],
		"zeroed": make([]byte, len(whole)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := filepath.Join(t.TempDir(), "notifier.db")
			if err := os.WriteFile(bad, content, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(bad)
			if !errors.Is(err, store.ErrDamaged) {
				if err == nil {
					s.Close()
				}
				t.Fatalf("error %v, want that it is damaged", err)
			}
			if after, _ := os.ReadFile(bad); !slices.Equal(after, content) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestFault28FlippedBits(t *testing.T) {
	t.Parallel()
	flip := func(b *bolt.Bucket, key []byte) error {
		v := slices.Clone(b.Get(key))
		v[len(v)-1] ^= 4
		return b.Put(key, v)
	}
	for name, change := range map[string]func(*bolt.Tx) error{
		"a call": func(tx *bolt.Tx) error {
			return flip(tx.Bucket([]byte("batches")).Bucket([]byte("b")).Bucket([]byte("calls")), []byte("r"))
		},
		"an event": func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte("outbox"))
			k, _ := b.Cursor().First()
			return flip(b, slices.Clone(k))
		},
		"the relay's note": func(tx *bolt.Tx) error { return flip(tx.Bucket([]byte("relay")), []byte("note")) },
		"a key": func(tx *bolt.Tx) error {
			calls := tx.Bucket([]byte("batches")).Bucket([]byte("b")).Bucket([]byte("calls"))
			v := slices.Clone(calls.Get([]byte("r")))
			return errors.Join(calls.Delete([]byte("r")), calls.Put([]byte("p"), v))
		},
		// What a flipped bit in a page can hide.
		"no call":                  hide("batches", "b", "calls", "r"),
		"no calls":                 hide("batches", "b", "calls"),
		"no batch":                 hide("batches", "b"),
		"no batch record":          hide("batches", "b", "info"),
		"no census":                hide("batches", "b", "census"),
		"no census of the batches": hide("meta", "batches"),
		"no event":                 hide("outbox", "\x00\x00\x00\x00\x00\x00\x00\x02"),
		"no newest event":          hide("outbox", "\x00\x00\x00\x00\x00\x00\x00\x03"),
		"no parked event":          hide("parked", "\x00\x00\x00\x00\x00\x00\x00\x01"),
		"no place":                 hide("relay", "place/slack"),
		"no note":                  hide("relay", "note"),
		"no relayed":               hide("relay", "relayed"),
		"no baseline":              hide("meta", "baseline"),
		"no source":                hide("meta", "source"),
		"no id":                    hide("meta", "id"),
		"a number that comes again": func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("parked")).SetSequence(0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := statePath(t)
			s := open(t, path)
			appendEvents(t, s, "b", newEvent("b", 1), newEvent("b", 2), newEvent("b", 3))
			err := errors.Join(s.Relayed(1, []byte("note")), s.PutPlace("slack", []byte("place")),
				s.Park(store.Parked{By: "slack", Event: newEvent("b", 1)}),
				s.Update("b", func(tx *store.Tx) error { return tx.PutCall("r", store.Call{Size: 1}) }))
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			raw(t, path, change)
			if _, err := store.Open(path); !errors.Is(err, store.ErrDamaged) ||
				!strings.Contains(err.Error(), "restore a copy") || strings.Count(err.Error(), "damaged") > 1 {
				t.Errorf("error %v, want that the state is damaged, said once, and what to do", err)
			}
		})
	}
}

func TestCallRecords(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	text := rapid.Custom(func(t *rapid.T) *string {
		if !rapid.Bool().Draw(t, "not null") {
			return nil
		}
		s := rapid.String().Draw(t, "text")
		return &s
	})
	rapid.Check(t, func(t *rapid.T) {
		want := store.Call{
			Record: diff.Record{
				Values: diff.Values{
					Request: text.Draw(t, "request"), Channel: text.Draw(t, "channel"),
					Insights: text.Draw(t, "insights"), Content: text.Draw(t, "content"),
				},
				Revision: rapid.Uint64().Draw(t, "revision"), ContentTold: rapid.Bool().Draw(t, "told"),
			},
			Sum: rapid.Uint64().Draw(t, "sum"), Size: rapid.Uint64().Draw(t, "size"),
		}
		var got store.Call
		err := s.Update("b", func(tx *store.Tx) error {
			if err := tx.PutCall("r", want); err != nil {
				return err
			}
			var err error
			got, _, err = tx.Call("r")
			return err
		})
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Fatalf("record (-want +got), error %v:\n%s", err, d)
		}
	})
}

func TestFault27NewerSchema(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	open(t, path).Close()
	if err := store.SetSchema(path, "99"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(path); !errors.Is(err, store.ErrNewer) {
		t.Errorf("error %v, want that a newer version wrote it", err)
	}
}
