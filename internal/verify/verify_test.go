package verify_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/verify"
)

func (w *world) getStream(ctx context.Context) (jetstream.Stream, error) {
	return w.js.Stream(ctx, "SYLLABLE")
}

// tellAll tells the lives of three calls and of their batch, with another one
// between them:
//
//	message 1, 2     batch.discovered, batch.active
//	message 3, 4, 5  request.pending of r1, r.2, r3
//	message 6        of the other batch
//	message 7, 8     request.initiated, channel.queued of r1
//	message 9, 10    the same of r.2
//	message 11, 12   request.failed, channel.busy of r.2
//	message 13 to 15 request.completed, channel.completed, insights.completed of r1
//	message 16       insights.updated of r1
//	message 17       request.removed of r3
//	message 18       batch.completed
func (w *world) tellAll() {
	w.t.Helper()
	w.discover()
	w.see(pending, "r1", "r.2", "r3")
	w.seeIn(other, pending, "r1")
	w.see(initiated, "r1", "r.2")
	w.see(failed, "r.2")
	w.see(completed, "r1")
	w.see(corrected, "r1")
	w.remove("r3")
	w.complete(asItIs)
}

// counts are what tellAll tells of the batch.
func counts() audit.Verdict {
	return audit.Verdict{Calls: 3, Events: 17, Found: 17, Manifest: audit.ManifestAgrees}
}

func expectCounts(t *testing.T, want audit.Verdict, r verify.Result) {
	t.Helper()
	if d := cmp.Diff(want, r.Verdict); d != "" {
		t.Errorf("verdict (-want +got):\n%s", d)
	}
}

// What is in the stream, on its way to it, or was recorded silently agrees.
func TestAgrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.discover()
	w.baseline(failed, "quiet")
	w.baseline(initiated, "known")
	w.relay()
	want := audit.Verdict{Calls: 2, Silent: 2, Events: 2, Found: 2, Manifest: audit.ManifestNone}
	r := w.verify()
	expect(t, r)
	expectCounts(t, want, r)

	w.see(failed, "known") // its chain begins with what was recorded
	w.relay()
	w.see(pending, "new")
	r = w.verify()
	expect(t, r)
	want.Calls, want.Silent, want.Events, want.Found, want.Waiting = 3, 1, 5, 5, 1
	expectCounts(t, want, r)

	w = newWorld(t)
	w.tellAll()
	r = w.verify()
	expect(t, r) // all of it waits
	want = counts()
	want.Waiting = 17
	expectCounts(t, want, r)
	w.relay()
	r = w.verify()
	expect(t, r)
	expectCounts(t, counts(), r)
	if !r.Completed || r.At.IsZero() || r.Batch != batch {
		t.Errorf("result %+v", r)
	}
	w.see(pending, "r3") // the batch is reopened, and the call is listed again
	w.see(failed, "r3")
	w.complete(asItIs)
	w.relay()
	r = w.verify()
	expect(t, r)
	want = counts()
	want.Events, want.Found = 22, 22
	expectCounts(t, want, r)
}

// An event that was stored and whose ack was lost is in the stream and in the
// outbox, and counts once.
func TestAckThatWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tellAll()
	n := 0
	_, err := w.store.Events(w.relayed(), 100, 1<<20, func(_ uint64, e event.Event) {
		if n++; n <= 9 {
			w.publish(e)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r := w.verify()
	expect(t, r)
	want := counts()
	want.Waiting = 9 // of 18; one of the nine is of the other batch
	expectCounts(t, want, r)
}

// Each way to do harm is found and named.
func TestFault40VerifyNamesTheHarm(t *testing.T) {
	t.Parallel()
	const r1, r2 = `call "r1" of batch "20260822.9"`, `call "r.2" of batch "20260822.9"`
	missing := func(n uint64, ids ...event.ID) audit.Verdict {
		v := counts()
		v.Missing, v.Found, v.Lost = n, v.Found-n, ids
		return v
	}
	id := func(w *world, reference string, revision uint64) event.ID {
		return event.ID{Store: w.store.ID(), Batch: batch, Reference: reference, Revision: revision}
	}
	for name, tt := range map[string]struct {
		harm    func(*world)
		want    []string
		verdict func(*world) audit.Verdict
	}{
		"an event from the middle": {
			func(w *world) { w.lose(".r1.4") },
			[]string{r1 + ": revision 4 is missing in the stream, between messages 8 and 14; message 13 is not there any more"},
			func(w *world) audit.Verdict { return missing(1, id(w, "r1", 4)) },
		},
		"several in a row": {
			func(w *world) { w.lose(".r1.3"); w.lose(".r1.4"); w.lose(".r1.5") },
			[]string{r1 + ": revisions 3 to 5 are missing in the stream, between messages 7 and 15; " +
				"3 messages are not there any more, the first 8"},
			nil,
		},
		"the newest of a call": {
			func(w *world) { w.lose(".r%2E2.5") },
			[]string{r2 + ": revision 5 is missing in the stream, after message 11; message 12 is not there any more"},
			func(w *world) audit.Verdict { return missing(1, id(w, "r.2", 5)) },
		},
		"all of a call": {
			func(w *world) {
				for _, revision := range []string{"1", "2", "3", "4", "5"} {
					w.lose(".r%2E2." + revision)
				}
			},
			[]string{r2 + ": revisions 1 to 5 are missing in the stream"},
			nil,
		},
		"one of the batch itself": {
			func(w *world) { w.lose(".~batch.2") },
			[]string{`batch "20260822.9": revision 2 is missing in the stream, between messages 1 and 18`},
			nil,
		},
		"the manifest": {
			func(w *world) { w.lose(".~batch.3") },
			[]string{`batch "20260822.9": revision 3 is missing in the stream, after message 2`},
			nil,
		},
		"an event twice": {
			func(w *world) { w.again(w.message(".r1.3")) },
			[]string{r1 + ", revision 3 (message 19): it is there a second time, after revision 7"},
			func(*world) audit.Verdict { return counts() },
		},
		"an event late": {
			func(w *world) { m := w.message(".r1.3"); w.lose(".r1.3"); w.again(m) },
			[]string{r1 + ", revision 3 (message 19): it comes after revision 7: out of order"},
			func(*world) audit.Verdict { return counts() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tellAll()
			w.relay()
			tt.harm(w)
			r := w.verify()
			expect(t, r, tt.want...)
			if tt.verdict != nil {
				expectCounts(t, tt.verdict(w), r)
			}
		})
	}
}

func TestUnknownBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := verify.New(w.options()).Verify(t.Context(), "nobody", func(uint64, uint64) {})
	if !errors.Is(err, store.ErrNoBatch) {
		t.Errorf("error %v", err)
	}
	w.js.Conn().Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := verify.New(w.options()).Verify(ctx, batch, func(uint64, uint64) {}); err == nil {
		t.Error("no error without NATS")
	}
}

// meddling has something happen before and after each look at the state.
type meddling struct {
	*store.Store
	before, after func()
}

func (m meddling) Sight(batch string, each func(string, store.Call)) (store.Sight, error) {
	m.before()
	s, err := m.Store.Sight(batch, each)
	m.after()
	return s, err
}

// What happens between the looks at the stream and at the state is no problem: what
// is newer is not judged, and what was published meanwhile counts once.
func TestMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.discover()
	w.see(pending, "r1", "r.2")
	o := w.options()
	looked := 0
	o.State = meddling{
		w.store,
		func() { // in the stream behind the look at it, and in the state
			w.see(initiated, "r1")
			w.relay()
			w.see(failed, "r1") // waits
		},
		func() {
			looked++
			w.see(failed, "r.2")
			w.seeIn(batch, pending, "new")
			w.relay()
			w.complete(asItIs)
			w.relay()
		},
	}
	r, err := verify.New(o).Verify(t.Context(), batch, func(uint64, uint64) {})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r)
	want := audit.Verdict{Calls: 2, Events: 8, Found: 8, Newer: 4, Manifest: audit.ManifestNone}
	expectCounts(t, want, r)
	if looked != 1 {
		t.Errorf("looked %d times", looked)
	}
}

// A loss that a second look does not find is none.
func TestSecondLook(t *testing.T) {
	t.Parallel()
	w := told(t)
	newest := w.message(".~batch.3")
	w.lose(".~batch.3")
	o := w.options()
	looked := 0
	o.State = meddling{w.store, func() {
		if looked++; looked == 2 {
			w.again(newest)
		}
	}, func() {}}
	r, err := verify.New(o).Verify(t.Context(), batch, func(uint64, uint64) {})
	if err != nil || looked != 2 {
		t.Fatalf("looked %d times, error %v", looked, err)
	}
	expect(t, r)
	expectCounts(t, counts(), r)
}
