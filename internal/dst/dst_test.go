package dst_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/audit"
)

var (
	seeds = flag.Int("seeds", 200, "how many lives TestLives runs")
	from  = flag.Uint64("from", 0, "the seed of the first; 0 takes one at random")
	seed  = flag.Uint64("seed", 0, "run the life of this seed alone, and tell it")
)

// patience bounds a life, in steps after the faults have ended.
const patience = 2000

// outcome is what became of a life.
type outcome struct {
	report audit.Report
	lives  int
	trace  uint64 // hash of all that happened
}

// live runs the life of a seed; its error is a violation.
func live(t *testing.T, seed uint64, broken defect, told bool) (out outcome, err error) {
	t.Helper()
	dir := scratch(t)
	defer func() { _ = os.RemoveAll(dir) }()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, dir)
		w.broken, w.told = broken, told
		out, err = w.live(t.Context())
	})
	return out, err
}

// inMemory is where lives have their folders, if there is such a place: what a disk
// does is drawn by the seed, and a real one would only take its time.
const inMemory = "/dev/shm"

func scratch(t *testing.T) string {
	t.Helper()
	parent := ""
	if info, err := os.Stat(inMemory); err == nil && info.IsDir() {
		parent = inMemory
	}
	dir, err := os.MkdirTemp(parent, "notifier-life-") //nolint:usetesting // which a disk may be behind
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (w *world) live(ctx context.Context) (outcome, error) {
	if err := w.start(); err != nil {
		return outcome{}, err
	}
	for range 40 + w.rng.IntN(40) {
		w.chaos()
		if err := w.turn(ctx); err != nil {
			return outcome{}, err
		}
	}
	// Everything is well again, and the process starts once more: what a running
	// one looks for once an hour is looked for at the start.
	w.note("all is well")
	broken := w.odds.batch
	w.odds = odds{batch: broken}
	w.faults.Clear()
	w.stream.away, w.full = time.Time{}, time.Time{}
	w.die("for the last time")
	for range patience {
		if err := w.turn(ctx); err != nil {
			return outcome{}, err
		}
		if w.ended() {
			return w.judge()
		}
	}
	return outcome{}, errors.New("it does not come to an end")
}

// turn is a step, and a new process if that ended this one.
func (w *world) turn(ctx context.Context) error {
	if err := w.step(ctx); err != nil {
		return err
	}
	if !w.dead {
		return nil
	}
	w.delay(30 * time.Second)
	if err := w.stop(); err != nil {
		return err
	}
	err := w.start()
	for n := 0; errors.Is(err, errDead) && n < patience; n++ {
		err = errors.Join(w.stop(), w.start())
	}
	return err
}

// ended says whether all has happened and was told: whole lists were read well
// after the last call had ended.
func (w *world) ended() bool {
	if !w.platform.Ended() {
		return false
	}
	for _, b := range w.platform.Sim.Batches() {
		s, ok := w.poller.Status().Batches[b.ID]
		if !ok || !s.Held.Completed {
			return false
		}
	}
	n, err := w.store.Pending()
	return err == nil && n == 0 && w.stream.whole()
}

// judge compares what the stream holds with what really happened.
func (w *world) judge() (outcome, error) {
	if err := w.stop(); err != nil {
		return outcome{}, err
	}
	have := map[string]int{}
	for _, m := range w.stream.all {
		if have[m.id]++; have[m.id] > 1 {
			return outcome{}, fmt.Errorf("event %s is in the stream twice", m.id)
		}
	}
	// What got lost is behind newer ones now. It is judged where it was, and must be
	// there; what was purged is judged as well, and must not be.
	in := w.stream.all
	if w.stream.holes || len(w.stream.purged) > 0 {
		in = w.stream.told
	}
	for _, m := range in {
		switch there, purged := have[m.id] > 0, w.stream.purged[m.id]; {
		case !there && !purged:
			return outcome{}, fmt.Errorf("event %s was lost, and is not there again", m.id)
		case there && purged:
			return outcome{}, fmt.Errorf("event %s was purged, and is there again", m.id)
		}
	}
	a := audit.New("syllable")
	for _, m := range in {
		a.Add(m.Subject, m.Header, m.Data)
	}
	a.Compare(w.platform.Lives())
	r := a.Report()
	out := outcome{r, w.lives, w.hash.Sum64()}
	if r.ProblemCount > 0 {
		return out, errors.New(strings.Join(r.Problems, "\n"))
	}
	return out, nil
}

// TestLives runs many lives, each from a seed of its own.
func TestLives(t *testing.T) {
	t.Parallel()
	if *seed != 0 {
		out, err := live(t, *seed, none, true)
		t.Logf("%d events of %d calls in %d processes", out.report.Events, out.report.Calls, out.lives)
		if err != nil {
			t.Errorf("seed %d: %v", *seed, err)
		}
		return
	}
	first := *from
	if first == 0 {
		first = rand.Uint64N(1 << 48)
	}
	var next, events, calls, lives atomic.Int64
	const workers = 2
	t.Cleanup(func() {
		t.Logf("%d seeds from %d on: %d events of %d calls in %d processes",
			*seeds, first, events.Load(), calls.Load(), lives.Load())
	})
	for n := range workers {
		t.Run(fmt.Sprintf("worker %d", n), func(t *testing.T) {
			t.Parallel()
			for n := next.Add(1); n <= int64(*seeds); n = next.Add(1) {
				seed := first + uint64(n)
				out, err := live(t, seed, none, false)
				if err != nil {
					t.Errorf("go test ./internal/dst -run TestLives -seed %d -v\n%v", seed, err)
				}
				events.Add(int64(out.report.Events))
				calls.Add(int64(out.report.Calls))
				lives.Add(int64(out.lives))
			}
		})
	}
}

// A life runs again exactly.
func TestReplay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		a, err := live(t, seed, none, false)
		b, err2 := live(t, seed, none, false)
		if err := errors.Join(err, err2); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if a.trace != b.trace {
			t.Errorf("seed %d ran in two ways", seed)
		}
	}
}

// What is broken on purpose is noticed, and soon.
func TestDefectsAreNoticed(t *testing.T) {
	t.Parallel()
	for _, broken := range []defect{blind, forgetful, careless} {
		t.Run(string(broken), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(100) {
				if _, err := live(t, seed, broken, false); err != nil {
					t.Logf("by seed %d: %v", seed, err)
					return
				}
			}
			t.Error("a hundred lives went well")
		})
	}
}
