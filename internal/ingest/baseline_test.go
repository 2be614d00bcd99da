package ingest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// A fault at the very first poll must not make news of what was there.
func TestBaselineOutlivesFaults(t *testing.T) {
	t.Parallel()
	a, b := item("a", "FAILED", "BUSY", "null"), item("b", "FAILED", "BUSY", "null")
	for name, show := range map[string]func(p *platform){
		"an empty list": func(p *platform) { p.set(nil); p.counts(2) },
		"half a list":   func(p *platform) { p.set(nil, a); p.counts(1) },
		"a 404":         func(p *platform) { p.set(&syllable.StatusError{Code: 404}); p.counts(0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newLife(t, true)
				show(w.p)
				w.start()
				w.wait(2)
				w.p.counts(0)
				w.p.set(nil, a, b)
				w.wait(5)
				w.want()
				w.p.set(nil, a, b, item("c", "PENDING", "x", "null"))
				w.wait(10)
				w.want("c/1 request.pending null→PENDING", "c/2 channel.x null→x")
			})
		})
	}
}

// counts makes the platform count so many calls more than it lists.
func (p *platform) counts(more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.more = more
}

// A look that comes late must not undo a newer one.
func TestLooksOutOfOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.start()
		now := time.Now()
		look := func(status string, asked time.Time) {
			t.Helper()
			b := syllable.Batch{BatchID: batchID, Status: status, Raw: []byte(`{}`)}
			if _, err := w.taker.Seen([]syllable.Batch{b}, asked, asked.Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		look("PAUSED", now.Add(5*time.Second))
		look("ACTIVE", now.Add(2*time.Second)) // was asked for before
		look("", now.Add(7*time.Second))       // says nothing of the status
		look("PAUSED", now.Add(8*time.Second))
		w.wantLives("1 batch.discovered", "2 batch.active null→ACTIVE", "3 batch.paused ACTIVE→PAUSED")
	})
}

// A batch that was extended after it was complete is watched as before, and
// reopened by the first change.
func TestExtendedBatchIsWatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.p.is("EXPIRED", false)
		w.p.set(nil, item("a", "PENDING", "x", "null"), done("b"))
		w.start()
		w.wait(60)
		w.p.is("ACTIVE", false)
		w.wait(10)
		w.wantLives("1 batch.discovered", "2 batch.expired null→EXPIRED", "3 batch.completed",
			"4 batch.active EXPIRED→ACTIVE")
		w.p.set(nil, item("a", "INITIATED", "x", "null"), done("b"))
		w.wait(2)
		if got := w.events(); got[len(got)-1] != "a/3 request.initiated PENDING→INITIATED" {
			t.Errorf("events %v, want the call's next status soon", got)
		}
		if got := w.lives(); got[len(got)-1] != "5 batch.reopened" {
			t.Errorf("events of the batch %v", got)
		}
	})
}

// A batch that is deleted while the daemon is down is watched to its end.
func TestDeletedWhileDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.p.set(nil, item("a", "CONNECTED", "x", "null"))
		w.start()
		w.kill()
		w.p.is("CANCELED", true)
		w.p.set(nil, item("a", "CANCELED", "x", "null"))
		w.start()
		w.wait(60)
		w.wantLives("1 batch.discovered", "2 batch.active null→ACTIVE", "3 batch.canceled ACTIVE→CANCELED",
			"4 batch.completed")
		w.want("a/1 request.connected null→CONNECTED", "a/2 channel.x null→x", "a/3 request.canceled CONNECTED→CANCELED")
	})
}

// One that was deleted before it was ever seen has nothing to tell.
func TestDeletedBeforeItWasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.p.is("CANCELED", true)
		w.p.set(nil, item("a", "CANCELED", "x", "null"))
		w.start()
		w.wait(10)
		w.wantLives()
		w.want()
	})
}

// A batch that was complete at the very first start, and had no event, is polled
// after a restart as well.
func TestCompleteBaselineIsWatchedAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, true)
		w.p.is("EXPIRED", false)
		w.p.set(nil, item("a", "COMPLETED", "x", "null"))
		w.start()
		w.wait(10)
		w.kill()
		w.start()
		w.p.set(nil, item("a", "COMPLETED", "x", `"PENDING"`))
		w.wait(90)
		w.want("a/1 insights.pending null→PENDING")
	})
}
