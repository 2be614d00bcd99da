package ingest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// newLife returns a world in which the batch itself is looked at every minute,
// and is complete after four without a change.
func newLife(t *testing.T, silent bool) *world {
	t.Helper()
	w := newWorld(t, silent)
	w.discovery, w.opts.Settle = time.Minute, 4*time.Minute
	w.p.is("ACTIVE", false)
	return w
}

// lives returns the events of the batch and of the source, "revision name
// from→to".
func (w *world) lives() []string {
	w.t.Helper()
	var all []string
	for _, e := range w.outbox() {
		switch e.ID.Scope {
		case event.ScopeBatch:
			b, err := e.Batch()
			if err != nil {
				w.t.Error(err)
			}
			line := fmt.Sprintf("%d %s", b.Revision, e.Name)
			if b.To != nil {
				line += " " + text(b.From) + "→" + *b.To
			}
			all = append(all, line)
		case event.ScopeSource:
			o, err := e.Outage()
			if err != nil {
				w.t.Error(err)
			}
			all = append(all, fmt.Sprintf("source %d %s", o.Revision, e.Name))
		case event.ScopeCall:
		}
	}
	return all
}

func (w *world) outbox() (all []event.Event) {
	w.t.Helper()
	if _, err := w.store.Events(0, 1<<20, 1<<30, func(_ uint64, e event.Event) { all = append(all, e) }); err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) wantLives(events ...string) {
	w.t.Helper()
	if d := cmp.Diff(events, w.lives()); d != "" {
		w.t.Errorf("events of the batch (-want +got):\n%s", d)
	}
}

// wait lets so many minutes go by.
func (w *world) wait(minutes int) {
	time.Sleep(time.Duration(minutes)*time.Minute + 10*time.Second)
	synctest.Wait()
}

func done(ref string) string {
	return fmt.Sprintf(`{"reference_id":%q,"request_status":"COMPLETED","channel_manager_status":"COMPLETED",`+
		`"insights_status":"COMPLETED","insights":{"rating":"Good"}}`, ref)
}

func TestLifeOfABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.p.set(nil, item("a", "PENDING", "x", "null"), item("b", "PENDING", "x", "null"))
		w.start()
		w.wantLives("1 batch.discovered", "2 batch.active null→ACTIVE")
		w.p.is("PAUSED", false)
		w.wait(2)
		w.p.is("ACTIVE", false)
		w.poll(item("a", "INITIATED", "x", "null"), done("b"))
		w.wait(10) // a call is on the line, so it is not complete
		w.wantLives("1 batch.discovered", "2 batch.active null→ACTIVE", "3 batch.paused ACTIVE→PAUSED",
			"4 batch.active PAUSED→ACTIVE")
		w.poll(item("a", "FAILED", "DECLINED", "null"), done("b"))
		w.wait(2)
		if got := w.lives(); len(got) != 4 {
			t.Errorf("complete before it has settled: %v", got)
		}
		w.wait(5)
		w.kill()
		w.start() // and it is not told again
		w.wait(60)
		w.wantLives("1 batch.discovered", "2 batch.active null→ACTIVE", "3 batch.paused ACTIVE→PAUSED",
			"4 batch.active PAUSED→ACTIVE", "5 batch.completed")

		b, err := w.outbox()[len(w.outbox())-1].Batch()
		if err != nil {
			t.Fatal(err)
		}
		m := b.Manifest
		if m == nil {
			t.Fatal("it has no manifest")
		}
		first, last := m.First, m.Last
		m.First, m.Last = nil, nil
		want := &event.Manifest{
			Calls: 2, RequestStatus: map[string]int{"COMPLETED": 1, "FAILED": 1},
			ChannelStatus:  map[string]int{"COMPLETED": 1, "DECLINED": 1},
			InsightsStatus: map[string]int{"COMPLETED": 1, "null": 1}, Rating: map[string]int{"Good": 1},
			Events: uint64(len(w.events())),
		}
		if d := cmp.Diff(want, m); d != "" {
			t.Errorf("manifest (-want +got):\n%s", d)
		}
		if first == nil || last == nil || !first.Before(*last) {
			t.Errorf("first %v, last %v", first, last)
		}
		if string(b.Batch) != `{"batch_id":"20260822.9","status":"ACTIVE"}` {
			t.Errorf("batch %s, want the platform's object", b.Batch)
		}
	})
}

// A change after the completion is told after the batch was reopened, and then
// the batch is complete once more.
func TestReopened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.p.set(nil, done("a"))
		w.start()
		w.wait(8)
		w.p.set(nil, strings.Replace(done("a"), "Good", "Poor", 1))
		w.wait(120)
		var names []string
		for _, e := range w.outbox() {
			names = append(names, e.Name)
		}
		want := []string{
			"batch.discovered", "batch.active", "request.completed", "channel.completed", "insights.completed",
			"batch.completed", "batch.reopened", "insights.updated", "batch.completed",
		}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
	})
}

// What is new in an object without being a change of a tracked field reopens
// nothing.
func TestNotReopenedWithoutAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.p.set(nil, done("a"))
		w.start()
		w.wait(8)
		w.p.set(nil, strings.Replace(done("a"), "{", `{"attempt_count":3,`, 1))
		w.wait(120)
		if got := w.lives(); !strings.HasSuffix(got[len(got)-1], "3 batch.completed") {
			t.Errorf("events %v", got)
		}
	})
}

// A call that may be dialled again keeps its batch open, until the batch ends.
func TestRetriesToComeKeepABatchOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		busy := `{"reference_id":"a","request_status":"FAILED","channel_manager_status":"NO-ANSWER","attempt_count":1}`
		w.p.set(nil, busy)
		w.start()
		w.wait(60)
		w.wantLives("1 batch.discovered", "2 batch.active null→ACTIVE")
		w.p.is("EXPIRED", false)
		w.wait(120)
		w.wantLives("1 batch.discovered", "2 batch.active null→ACTIVE", "3 batch.expired ACTIVE→EXPIRED",
			"4 batch.completed")
	})
}

// What was there at the very first start is recorded, also that a batch is
// complete; what changes later is told.
func TestBaselineOfBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, true)
		w.p.set(nil, done("a"))
		w.start()
		w.wait(60)
		w.wantLives()
		w.p.is("EXPIRED", false)
		w.wait(5)
		w.wantLives("1 batch.expired ACTIVE→EXPIRED")
	})
}

// Row 5 of the fault catalogue: an empty list after a full one is held as
// suspect, and so is one that shrank.
func TestFault05EmptyAfterFull(t *testing.T) {
	t.Parallel()
	var all []string
	for _, ref := range []string{"a", "b", "c"} {
		all = append(all, item(ref, "PENDING", "x", "null"))
	}
	empty := func(w *world) { w.p.set(nil) }
	oneIsMissing := func(w *world) { w.p.set(nil, all[1:]...) }
	back := func(w *world) { w.p.set(nil, all...) }
	removed := []string{
		"a/3 request.removed LISTED→REMOVED", "b/3 request.removed LISTED→REMOVED", "c/3 request.removed LISTED→REMOVED",
	}
	for name, tt := range map[string]struct {
		show    func(w *world)
		minutes int // in which nothing is told
		confirm func(w *world)
		want    []string
	}{
		"empty for some polls":       {empty, 20, back, nil},
		"empty for good":             {empty, 30, func(*world) {}, removed},
		"empty, and deleted":         {empty, 10, func(w *world) { w.p.is("CANCELED", true) }, removed},
		"one is missing, and back":   {oneIsMissing, 2, back, nil},
		"one is missing for good":    {oneIsMissing, 2, func(*world) {}, removed[:1]},
		"most are missing, and back": {func(w *world) { w.p.set(nil, all[0]) }, 20, back, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newLife(t, false)
				w.p.set(nil, all...)
				w.start()
				before := w.events()
				tt.show(w)
				w.wait(tt.minutes)
				w.want(before...)
				tt.confirm(w)
				w.wait(60)
				w.want(append(slices.Clone(before), tt.want...)...)
			})
		})
	}
}

// Polls that fail in between confirm nothing.
func TestAbsenceIsNotConfirmedByFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.p.set(nil, item("a", "PENDING", "x", "null"), item("b", "PENDING", "x", "null"))
		w.start()
		w.poll(item("b", "PENDING", "x", "null"))
		before := w.events()
		w.p.set(&syllable.StatusError{Code: 503})
		w.wait(60)
		w.want(before...)
	})
}

// A removed call that is listed again starts from null, and goes on counting.
func TestRemovedAndListedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		a, b := item("a", "PENDING", "x", "null"), item("b", "PENDING", "x", "null")
		w.p.set(nil, a, b)
		w.start()
		w.p.set(nil, b)
		w.wait(10)
		w.kill()
		w.start()
		w.wait(10)
		w.p.set(nil, a, b)
		w.wait(10)
		got := w.events()
		want := []string{
			"a/3 request.removed LISTED→REMOVED", "a/4 request.pending null→PENDING", "a/5 channel.x null→x",
		}
		if d := cmp.Diff(want, got[len(got)-3:]); d != "" {
			t.Errorf("events (-want +got):\n%s", d)
		}
		for _, e := range w.outbox() {
			if c, err := e.Call(); err == nil && e.Name == event.RequestRemoved && string(c.Result) != `{"reference_id":"a"}` {
				t.Errorf("result %s of a call that is not listed", c.Result)
			}
		}
	})
}

func TestOutages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, true)
		w.p.set(nil, item("a", "PENDING", "x", "null"))
		w.start()
		w.p.set(&syllable.StatusError{Op: "results of batch secret", Code: 503})
		w.wait(1)
		w.p.set(nil, item("a", "PENDING", "x", "null"))
		w.wait(10)
		w.wantLives() // too short
		w.p.set(&syllable.StatusError{Op: "results of batch secret", Code: 503})
		w.wait(30)
		w.wantLives("source 1 source.unreachable")
		w.kill()
		w.start()
		w.wait(30)
		w.wantLives("source 1 source.unreachable")
		w.p.set(nil, item("a", "PENDING", "x", "null"))
		w.wait(30)
		w.wantLives("source 1 source.unreachable", "source 2 source.recovered")

		var ends []event.Outage
		for _, e := range w.outbox() {
			o, err := e.Outage()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(e.Data), "secret") {
				t.Errorf("data %s", e.Data)
			}
			ends = append(ends, o)
		}
		if ends[0].Cause != "the platform answered 503 Service Unavailable" || ends[0].Until != nil ||
			!ends[1].Since.Equal(ends[0].Since) || ends[1].Until == nil || ends[1].FailedPolls < ends[0].FailedPolls {
			t.Errorf("outage %+v", ends)
		}
	})
}
