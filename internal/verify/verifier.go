package verify

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/store"
)

// Options of a Verifier.
type Options struct {
	State State
	// Stream returns the stream that holds the events.
	Stream func(ctx context.Context) (jetstream.Stream, error)
	// Prefix is the first token or tokens of every subject.
	Prefix string
	// Interval is the time from one audit of Run to the next, more than 0.
	Interval time.Duration
	// Late, where set, returns events that were published again behind newer ones,
	// as those that Repair was asked for: that they are late is known.
	Late func() []event.ID
	// Repair, where set, is asked by audits to publish lost events again, in the
	// order given, and says how many it has: the state may not hold all of them any
	// more. Whatever it was asked for may come late from then on.
	Repair func(ctx context.Context, lost []event.ID) (repaired int, err error)
	Log    *slog.Logger
}

// Verifier verifies batches, one at a time, and keeps in memory what came of the
// newest verification of each. It is safe for concurrent use.
type Verifier struct {
	o    Options
	busy chan struct{} // holds one while a batch is being verified

	mu     sync.Mutex
	marks  map[string]Mark
	tried  map[string]time.Time         // when an audit last began
	back   map[string]map[event.ID]bool // by batch: what may have been put back
	health Health
}

// Mark is what came of the newest verification of a batch.
type Mark struct {
	At       time.Time
	Problems int
	changes  changes // as they were
}

// changes tell whether a batch is as it was before.
type changes struct{ own, calls uint64 }

// Health is how verifying goes.
type Health struct {
	// Last is when a verification came to its end, whatever it found; zero: never.
	Last time.Time
	// Problems is the sum of the newest problems of all batches, and Batches how
	// many have any.
	Problems, Batches int
	// Trouble is why the newest verification could not be done, empty if it was.
	Trouble string
}

// New returns a Verifier.
func New(o Options) *Verifier {
	return &Verifier{
		o: o, busy: make(chan struct{}, 1),
		marks: map[string]Mark{}, tried: map[string]time.Time{}, back: map[string]map[event.ID]bool{},
	}
}

// Verify compares what the stream and the state have of a batch. It waits for its
// turn, and tells progress how many messages of how many were read, now and then.
// Its error wraps store.ErrNoBatch or store.ErrBacklog where that is the reason;
// what does not agree is no error.
func (v *Verifier) Verify(ctx context.Context, batch string, progress func(read, of uint64)) (Result, error) {
	select {
	case v.busy <- struct{}{}:
		defer func() { <-v.busy }()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	for n := 1; ; n++ {
		r, err := v.look(ctx, batch, progress)
		switch {
		case errors.Is(err, errRemade) && n < looks:
		case err != nil:
			v.failed(ctx, batch, err)
			return r, err
		case r.Agrees() || n >= looks:
			v.note(r)
			return r, nil
		}
		select {
		case <-time.After(lookPause):
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

// Mark returns what came of the newest verification of a batch, and whether there
// was one in this process.
func (v *Verifier) Mark(batch string) (Mark, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m, ok := v.marks[batch]
	return m, ok
}

// Health returns how verifying goes.
func (v *Verifier) Health() Health {
	v.mu.Lock()
	defer v.mu.Unlock()
	h := v.health
	for _, m := range v.marks {
		if h.Problems += m.Problems; m.Problems > 0 {
			h.Batches++
		}
	}
	return h
}

// note keeps what came of a verification, and tells what is new about it.
func (v *Verifier) note(r Result) {
	v.mu.Lock()
	before := v.marks[r.Batch]
	v.marks[r.Batch] = Mark{At: r.At, Problems: r.ProblemCount, changes: changes{r.Revision, r.Changes}}
	wasIll := v.health.Trouble != ""
	v.health.Last, v.health.Trouble = r.At, ""
	v.mu.Unlock()

	log := v.o.Log.With("batch", r.Batch)
	if wasIll {
		log.Info("batches can be verified again")
	}
	switch {
	case !r.Agrees() && r.ProblemCount != before.Problems:
		// Reference ids may be phone numbers.
		log.Error("stream and state do not agree; notifier verify tells all of it", "problems", r.ProblemCount,
			"missing", r.Missing, "first", event.Redact(r.Problems[0]))
	case r.Agrees() && before.Problems > 0:
		log.Info("stream and state agree again")
	default:
		log.Debug("verified", "problems", r.ProblemCount, "events", r.Events, "took", r.Took)
	}
}

// failed takes in that a batch could not be verified. It is told once.
func (v *Verifier) failed(ctx context.Context, batch string, err error) {
	if ctx.Err() != nil || errors.Is(err, store.ErrNoBatch) || errors.Is(err, store.ErrBacklog) {
		return // given up, or nothing that is wrong with verifying
	}
	v.mu.Lock()
	wasWell := v.health.Trouble == ""
	v.health.Trouble = err.Error()
	v.mu.Unlock()
	if wasWell {
		v.o.Log.Warn("a batch cannot be verified; it is tried again", "batch", batch, "error", err)
	}
}

// putBack returns the ids that may have been put back.
func (v *Verifier) putBack(batch string) map[event.ID]bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	ids := maps.Clone(v.back[batch])
	if v.o.Late == nil {
		return ids
	}
	for _, id := range v.o.Late() {
		if id.Batch != batch {
			continue
		}
		if ids == nil {
			ids = map[event.ID]bool{}
		}
		ids[id] = true
	}
	return ids
}

func (v *Verifier) mayPutBack(batch string, lost []event.ID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.back[batch] == nil {
		v.back[batch] = map[event.ID]bool{}
	}
	for _, id := range lost {
		v.back[batch][id] = true
	}
}
