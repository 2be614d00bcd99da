package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/verify"
)

// buildVerifier makes what compares the stream with the state, by itself and when
// somebody asks.
func (a *App) buildVerifier() {
	a.verifier = verify.New(verify.Options{
		State:    sights{a.store, a},
		Stream:   a.stream,
		Prefix:   a.cfg.NATSSubjectPrefix,
		Interval: a.cfg.AuditInterval,
		Late:     func() []event.ID { return a.relay.Late() },
		Repair:   func(ctx context.Context, _ []event.ID) (int, error) { return a.relay.Recheck(ctx) },
		Log:      a.log,
	})
}

// sights ends the daemon when what is read of the state is found damaged.
type sights struct {
	*store.Store
	app *App
}

// Recorded implements verify.State.
func (s sights) Recorded() ([]store.Recorded, error) {
	all, err := s.Store.Recorded()
	return all, s.app.guarded(err)
}

// Sight implements verify.State.
func (s sights) Sight(batch string, each func(string, store.Call)) (store.Sight, error) {
	sight, err := s.Store.Sight(batch, each)
	return sight, s.app.guarded(err)
}

// verifications implement ops.Verifier.
type verifications struct{ app *App }

// Batches implements ops.Verifier.
func (v verifications) Batches() ([]string, error) { return v.app.store.Batches() }

// Verify implements ops.Verifier.
func (v verifications) Verify(
	ctx context.Context, batch string, progress func(read, of uint64),
) (ops.Verification, error) {
	r, err := v.app.verifier.Verify(ctx, batch, progress)
	switch {
	case errors.Is(err, store.ErrNoBatch):
		return ops.Verification{}, fmt.Errorf("%w; notifier verify without one goes through all that there are",
			ops.ErrUnknownBatch)
	case errors.Is(err, store.ErrBacklog):
		return ops.Verification{}, fmt.Errorf("%w; ask again when they are published, which notifier status shows", err)
	case err != nil:
		return ops.Verification{}, err
	}
	out := ops.Verification{
		Batch: r.Batch, At: *moment(r.At), Took: r.Took.Seconds(), Agrees: r.Agrees(), Completed: r.Completed,
		Calls: r.Calls, Silent: r.Silent, Events: r.Events, Found: r.Found, Waiting: r.Waiting, Aged: r.Aged,
		Parked: r.Parked, Missing: r.Missing, Early: r.Early, Repaired: r.Repaired, Newer: r.Newer, Others: r.Others,
		Ahead: r.Ahead, Manifest: string(r.Manifest), ProblemCount: r.ProblemCount, Problems: r.Problems,
		MissingIDs: []string{},
	}
	for _, id := range r.Lost {
		out.MissingIDs = append(out.MissingIDs, id.String())
	}
	return out, nil
}

// auditStatus adds what verifications have found to a status.
func (a *App) auditStatus(s *ops.Status) {
	h := a.verifier.Health()
	s.Audit = ops.Audit{Last: moment(h.Last), Problems: h.Problems, Batches: h.Batches, Trouble: h.Trouble}
	for i := range s.Batches {
		b := &s.Batches[i]
		if m, ok := a.verifier.Mark(b.ID); ok {
			b.Verified, b.Problems = moment(m.At), &m.Problems
		}
	}
}
