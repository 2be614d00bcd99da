package publish

import (
	"fmt"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

func TestBreaker(t *testing.T) {
	t.Parallel()
	var b breaker
	now := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	check := func(when string, at time.Time, bound int) {
		t.Helper()
		if got := b.bound(at, 8); got != bound {
			t.Errorf("%s: %d may be under way, want %d", when, got, bound)
		}
	}
	check("all is well", now, 8)
	b.started()
	if !b.counts() || !b.succeeded() {
		t.Error("what happens while all is well does not count")
	}
	b.trip(someItem(1, 0), now.Add(time.Second))
	check("in the pause", now, 0)
	if b.counts() || b.succeeded() {
		t.Error("what was under way when it tripped counts")
	}
	b.extend(now.Add(3 * time.Second))
	b.extend(now.Add(2 * time.Second))
	check("the pause is longer", now.Add(2*time.Second), 0)
	check("after the pause", now.Add(3*time.Second), 1)
	b.started()
	if !b.counts() {
		t.Error("the failure of the probe does not count")
	}
	b.trip(someItem(1, 0), now.Add(9*time.Second))
	check("after a probe that failed", now.Add(4*time.Second), 0)
	b.forget()
	check("with other items, the pause goes on", now.Add(4*time.Second), 0)
	b.started()
	if !b.succeeded() {
		t.Error("the success of the probe does not count")
	}
	check("after a probe that went well", now.Add(4*time.Second), 8)
}

func TestRecentRemembersTheNewest(t *testing.T) {
	t.Parallel()
	r := newRecent()
	id := func(n int) event.ID { return event.ID{Batch: "b", Reference: fmt.Sprint(n), Revision: 1} }
	for n := range 3 * recentEvents {
		r.add(id(n))
		r.add(id(n)) // a second time makes no difference
	}
	for n := range 3 * recentEvents {
		if want := n >= 2*recentEvents; r.has(id(n)) != want {
			t.Fatalf("%d of %d is remembered: %v, want %v", n, 3*recentEvents, !want, want)
		}
	}
	if len(r.known) != recentEvents {
		t.Errorf("%d are kept, want %d", len(r.known), recentEvents)
	}
}
