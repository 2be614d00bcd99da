package fetch_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// While there is no room nothing is asked for; then all that is due.
func TestRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, k := newPlatform(map[string]string{"a": list("1")}), newTaker()
		var full atomic.Bool
		run(t, p, k, func(o *fetch.Options) {
			o.Room = func() error {
				if full.Load() {
					return errors.New("full")
				}
				return nil
			}
		})
		pass(time.Minute)
		before := p.count("results a")
		if before == 0 {
			t.Fatal("nothing was asked for")
		}
		full.Store(true)
		pass(time.Hour)
		if n := p.count("results a"); n != before {
			t.Errorf("asked %d times while there was no room", n-before)
		}
		full.Store(false)
		pass(2 * time.Second)
		if n := p.count("results a"); n != before+1 {
			t.Errorf("asked %d times when there was room again, want once", n-before)
		}
	})
}

// A platform that finds nothing, not even the list of batches, is not well: the
// address may be wrong.
func TestNothingIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, k := newPlatform(map[string]string{"a": list("1")}), newTaker()
		poller := run(t, p, k, nil)
		pass(time.Minute)
		p.set(func() {
			p.errs["a"] = &syllable.StatusError{Op: "results", Code: 404}
			p.errs[""] = &syllable.StatusError{Op: "batches", Code: 404}
		})
		pass(10 * time.Minute)
		if s := poller.Status(); !s.Unreachable {
			t.Errorf("it counts as well: %+v", s.Outage)
		}
		if _, gone, _ := k.snapshot(); len(gone) > 0 {
			t.Errorf("batches %v count as gone", gone)
		}
		p.set(func() { clear(p.errs) })
		pass(10 * time.Minute)
		if s := poller.Status(); s.Unreachable {
			t.Error("it does not count as well again")
		}
	})
}

// A batch that is gone is asked for ever more rarely, for ever.
func TestGoneIsAskedForRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, k := newPlatform(map[string]string{"a": list("1"), "b": list("2")}), newTaker()
		run(t, p, k, func(o *fetch.Options) { o.Batches = []string{"a", "b"} })
		pass(time.Minute)
		gone := &syllable.StatusError{Op: "results", Code: 404}
		p.set(func() { p.errs["a"] = gone })
		pass(2 * time.Hour)
		before := p.count("details a")
		pass(24 * time.Hour)
		if n := p.count("details a") - before; n < 20 || n > 30 {
			t.Errorf("asked for %d times in a day, want about once an hour", n)
		}
		p.set(func() { delete(p.errs, "a") })
		before = p.count("results a")
		pass(2 * time.Hour)
		if n := p.count("results a") - before; n < 10 {
			t.Errorf("it is back, and was read %d times in two hours", n)
		}
	})
}

// What changes while a batch is being asked for may be newer than the answer.
func TestChangeWhileABatchIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, k := newPlatform(map[string]string{"a": list("1")}), newTaker()
		now := time.Now().Format(time.RFC3339)
		p.batches[0].Status = "PAUSED"
		p.batches[0].LastUpdatedAt = &now
		run(t, p, k, nil)
		pass(30 * time.Minute) // it is quiet
		p.set(func() {
			p.took = 3 * time.Minute
			clear(p.asked)
		})
		for p.count("results a") == 0 { // one is under way from here on
			pass(time.Second)
		}
		p.set(func() {
			later := time.Now().Format(time.RFC3339)
			p.batches[0].LastUpdatedAt = &later
			p.took = 0
		})
		pass(3*time.Minute + 30*time.Second)
		if n := p.count("results a"); n < 2 {
			t.Error("it is not asked for again at once")
		}
	})
}
