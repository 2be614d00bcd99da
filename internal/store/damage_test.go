package store_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/store"
)

var everyByte = flag.Bool("every-byte", false, "the sweeps try all bytes and all lengths, as make damage does")

// Whatever bit flips, or page is zeros: the state opens and has all that it had,
// or it is found damaged. It never panics, and never forgets.
func TestFault28AnyFlippedBit(t *testing.T) {
	t.Parallel()
	whole, want := manyCommits(t)
	try := trying(t, want)
	rng := rand.New(rand.NewPCG(1, 2))
	positions := rng.Perm(len(whole))
	if !*everyByte {
		positions = positions[:400]
		for at := range 2 * 100 { // what counts of both headers, and what does not
			positions = append(positions, at%100+at/100*os.Getpagesize())
		}
	}
	for _, at := range positions {
		content := slices.Clone(whole)
		bit := rng.IntN(8)
		content[at] ^= 1 << bit
		try(content, "bit %d of byte %d", bit, at)
	}
	for page := range len(whole) / 4096 {
		content := slices.Clone(whole)
		clear(content[page*4096 : (page+1)*4096])
		try(content, "page %d zeroed", page)
	}
}

// Wherever the file is cut: the same.
func TestFault23AnyCut(t *testing.T) {
	t.Parallel()
	whole, want := manyCommits(t)
	try := trying(t, want)
	rng := rand.New(rand.NewPCG(3, 4))
	lengths := []int{}
	for n := range len(whole) {
		near := n % 4096 // the edges of pages, and some between
		if *everyByte || near < 2 || near > 4094 || rng.IntN(len(whole)) < 200 {
			lengths = append(lengths, n)
		}
	}
	for _, n := range lengths {
		try(whole[:n], "cut to %d bytes", n)
	}
}

// trying returns what opens a state with some content and compares what is seen of
// it, if it opens.
func trying(t *testing.T, want []string) func(content []byte, format string, what ...any) {
	t.Helper()
	tries, found := 0, 0
	dir := t.TempDir()
	t.Cleanup(func() {
		t.Logf("%d of %d changes were found, the others changed nothing", found, tries)
		if found < 60 {
			t.Errorf("only %d of the changes were found", found)
		}
	})
	return func(content []byte, format string, what ...any) {
		// A new file each time: bbolt keeps one mapped, and locked, that made its
		// Open panic. The program ends then.
		tries++
		bad := filepath.Join(dir, fmt.Sprintf("%d.db", tries))
		defer os.Remove(bad)
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(bad)
		if err != nil {
			if found++; !errors.Is(err, store.ErrDamaged) {
				t.Errorf("%s: error %v", fmt.Sprintf(format, what...), err)
			}
			return
		}
		defer s.Close()
		got, err := sight(s)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: it opens, but has something else (-want +got), error %v:\n%s", fmt.Sprintf(format, what...), err, d)
		}
	}
}

// manyCommits returns a state with some of everything, in pages of its own and in
// pages of others, and what is seen in it.
func manyCommits(t *testing.T) (whole []byte, want []string) {
	t.Helper()
	path := statePath(t)
	s := open(t, path)
	_, err := s.Baseline([]string{"20260822.9"}, true)
	for i := range 120 {
		ref, batch := fmt.Sprintf("ref-%06d", i), sightBatches[i*len(sightBatches)/120]
		err = errors.Join(err, s.Update(batch, func(tx *store.Tx) error {
			return errors.Join(tx.PutCall(ref, store.Call{Size: 7}), tx.Append(newEvent(batch, 1)),
				tx.PutBatch(store.Batch{Silent: true}))
		}))
	}
	err = errors.Join(err, s.Relayed(40, []byte("note")), s.PutPlace("slack", []byte("place")),
		s.PutSource(store.Source{Revision: 1}, newEvent("~source", 1)),
		s.Park(store.Parked{By: "slack", Event: newEvent("20260822.9", 1)}),
		s.Park(store.Parked{By: "relay", Event: newEvent("b", 2)}))
	err = errors.Join(err, s.Update("20260822.9", func(tx *store.Tx) error {
		return tx.PutCall("ref-000007", store.Call{Size: 8})
	}))
	want = see(t, s)
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if whole, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return whole, want
}

// sightBatches are the batches that sight looks at.
var sightBatches = []string{"20260822.9", "b", "c"}

// sight is all that a state has, as text.
func sight(s *store.Store) ([]string, error) {
	all := []string{s.ID(), fmt.Sprint(s.Former())}
	see := func(what ...any) {
		text, err := json.Marshal(what)
		all = append(all, string(text), fmt.Sprint(err))
	}
	_, err := s.Events(0, 1000, 1<<20, func(n uint64, e event.Event) { see(n, e) })
	pending, err2 := s.Pending()
	progress, err3 := s.Progress()
	place, err4 := s.Place("slack")
	source, err5 := s.Source()
	parked, err6 := s.ParkedEvents()
	see(pending, progress, place, source, s.ParkedCount())
	for _, p := range parked {
		see(p, p.Event)
	}
	batches, err7 := s.Batches()
	see(batches)
	for _, batch := range sightBatches {
		err7 = errors.Join(err7, s.View(batch, func(tx *store.Tx) error {
			b, err := tx.Batch()
			see(b)
			return errors.Join(err, tx.EachCall(func(reference string, c store.Call) error {
				see(reference, c)
				return nil
			}))
		}))
	}
	return all, errors.Join(err, err2, err3, err4, err5, err6, err7)
}

// A page that leads back to itself would be followed for ever, and one that is
// used and free would be written over by the next commit.
func TestFault28PagesThatDoNotFit(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	s := open(t, path)
	for n := range 10 {
		err := s.Update("b", func(tx *store.Tx) error {
			var err error
			for i := range 50 {
				err = errors.Join(err, tx.PutCall(fmt.Sprint("ref-", n, i), store.Call{}))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	var branch, leaf int
	raw(t, path, func(tx *bolt.Tx) error {
		for id := 2; id < int(tx.Size())/os.Getpagesize(); id++ {
			switch info, err := tx.Page(id); {
			case err != nil:
				return err
			case info.Type == "branch":
				branch = id
			case info.Type == "leaf":
				leaf = id
			}
		}
		return errDone // nothing is written
	})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := func(id int) []byte { return whole[id*os.Getpagesize():] }
	freelist := int(binary.NativeEndian.Uint64(newestHeader(whole)[32:]))
	for name, change := range map[string]struct {
		page, at int
		is       uint64
	}{
		"a page in itself":        {branch, 16 + 8, uint64(branch)},
		"a page twice":            {branch, 16 + 8, binary.NativeEndian.Uint64(page(branch)[16+16+8:])},
		"a page beyond the end":   {branch, 16 + 8, 1 << 40},
		"a header":                {branch, 16 + 8, 1},
		"a page that is free too": {freelist, 16, uint64(leaf)},
		"an element of gigabytes": {leaf, 16 + 8, 1<<31 | 5},
		"a page of gigabytes":     {leaf, 8, 1<<63 | 1<<16 | 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := filepath.Join(t.TempDir(), "notifier.db")
			content := slices.Clone(whole)
			binary.NativeEndian.PutUint64(content[change.page*os.Getpagesize()+change.at:], change.is)
			if err := os.WriteFile(bad, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Open(bad); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("error %v, want that the state is damaged", err)
			}
		})
	}
}

var errDone = errors.New("done")

// newestHeader returns what counts of the two that bbolt has: the page of the
// root is at 16, that of the list of free pages at 32, the number of the commit
// at 48.
func newestHeader(whole []byte) []byte {
	first, second := whole[16:], whole[os.Getpagesize()+16:]
	if binary.NativeEndian.Uint64(second[48:]) > binary.NativeEndian.Uint64(first[48:]) {
		return second
	}
	return first
}

// A page whose newest version never reached the disk is as it was before, and
// its records have checksums that fit.
func TestFault28OlderRecords(t *testing.T) {
	t.Parallel()
	call := []string{"batches", "b", "calls", "r"}
	info, census := []string{"batches", "b", "info"}, []string{"batches", "b", "census"}
	note, relayed := []string{"relay", "note"}, []string{"relay", "relayed"}
	for name, keys := range map[string][][]string{
		"a call":                   {call},
		"a batch's record":         {info},
		"a batch with all its own": {call, info, census},
		"the relay's note":         {note},
		"all of the relay":         {note, relayed},
		"a place":                  {{"relay", "place/slack"}},
		"the census of all":        {{"meta", "batches"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := statePath(t)
			state := func(n uint64) {
				s := open(t, path)
				err := errors.Join(
					s.Update("b", func(tx *store.Tx) error {
						return errors.Join(tx.PutCall("r", store.Call{Size: n}), tx.PutBatch(store.Batch{Revision: n}),
							tx.Append(newEvent("b", n)))
					}),
					s.Relayed(n, []byte{byte(n)}), s.PutPlace("slack", []byte{byte(n)}), s.Close(),
				)
				if err != nil {
					t.Fatal(err)
				}
			}
			state(1)
			before := make([][]byte, len(keys))
			raw(t, path, func(tx *bolt.Tx) error {
				for i, k := range keys {
					before[i] = slices.Clone(within(tx, k).Get([]byte(k[len(k)-1])))
				}
				return nil
			})
			state(2)
			open(t, path).Close()
			raw(t, path, func(tx *bolt.Tx) error {
				var err error
				for i, k := range keys {
					err = errors.Join(err, within(tx, k).Put([]byte(k[len(k)-1]), before[i]))
				}
				return err
			})
			_, err := store.Open(path)
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "restore a copy") {
				t.Errorf("error %v, want that the state is damaged, and what to do", err)
			}
		})
	}
}

// within returns the bucket in which the last of the names is a key.
func within(tx *bolt.Tx, names []string) *bolt.Bucket {
	b := tx.Bucket([]byte(names[0]))
	for _, name := range names[1 : len(names)-1] {
		b = b.Bucket([]byte(name))
	}
	return b
}

// hide returns what deletes a record, or a bucket.
func hide(names ...string) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		b, key := within(tx, names), []byte(names[len(names)-1])
		if b.Bucket(key) != nil {
			return b.DeleteBucket(key)
		}
		if b.Get(key) == nil {
			return fmt.Errorf("there is no %q to hide", names)
		}
		return b.Delete(key)
	}
}

// raw changes the file behind the store's back.
func raw(t *testing.T, path string, fn func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(fn); err != nil && !errors.Is(err, errDone) {
		t.Fatal(err)
	}
}

// Damage that comes up while the state is open is an error as well, wherever the
// missing part is read: by bbolt, or by who looks at a value.
func TestFault24CutWhileRead(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	s := open(t, path)
	long := newEvent("b", 1)
	long.Data = bytes.Repeat([]byte("x"), 100_000)
	appendEvents(t, s, "b", long)
	var half int
	for root := math.MaxInt; root > half; {
		// Until the root lies before the event. bbolt takes free pages for it.
		if err := s.PutPlace("slack", nil); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		half = bytes.Index(whole, long.Data) + 50_000
		root = int(binary.NativeEndian.Uint64(newestHeader(whole)[16:])) * os.Getpagesize()
	}
	for _, size := range []int{half, 2 * os.Getpagesize()} {
		if err := os.Truncate(path, int64(size)); err != nil {
			t.Fatal(err)
		}
		_, err := s.Events(0, 1, 1, func(uint64, event.Event) {})
		if !errors.Is(err, store.ErrDamaged) {
			t.Errorf("cut to %d bytes: error %v, want that the state is damaged", size, err)
		}
	}
}

// A panic of a function that was handed in is not damage of the file: it goes
// on as it is.
func TestPanicsOfOthersGoOn(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	appendEvents(t, s, "b", newEvent("b", 1))
	var none *store.Batch
	for name, fn := range map[string]func(){
		"nil pointer": func() { _ = s.View("b", func(*store.Tx) error { return fmt.Errorf("%v", none.Silent) }) },
		"of Events":   func() { _, _ = s.Events(0, 1, 1, func(uint64, event.Event) { panic("of Events") }) },
		"of Update":   func() { _ = s.Update("b", func(*store.Tx) error { panic("of Update") }) },
		"of EachCall": func() {
			_ = s.Update("b", func(tx *store.Tx) error {
				return errors.Join(tx.PutCall("r", store.Call{}),
					tx.EachCall(func(string, store.Call) error { panic("of EachCall") }))
			})
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, name) {
					t.Errorf("%s: recovered %s", name, got)
				}
			}()
			fn()
		}()
	}
	if n, err := s.Pending(); n != 1 || err != nil {
		t.Errorf("%d events after it, error %v", n, err)
	}
}

// What was never in the outbox cannot leave it: the next start would take that
// for damage.
func TestRelayedTooFar(t *testing.T) {
	t.Parallel()
	s := open(t, statePath(t))
	appendEvents(t, s, "b", newEvent("b", 1))
	if err := s.Relayed(2, []byte("note")); err == nil {
		t.Error("event 2 of 1 left the outbox")
	}
	if n, err := s.Pending(); n != 1 || err != nil {
		t.Errorf("%d events after it, error %v", n, err)
	}
}
