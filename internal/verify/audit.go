package verify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/syllable-notifier/notifier/internal/store"
)

// Run verifies one batch after each interval until ctx ends.
func (v *Verifier) Run(ctx context.Context) {
	ticker := time.NewTicker(v.o.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			v.runOnce(ctx)
		}
	}
}

// runOnce verifies the batch whose turn it is, and has lost events put back.
func (v *Verifier) runOnce(ctx context.Context) {
	all, err := v.o.State.Recorded()
	if err != nil {
		v.failed(ctx, "", err)
		return
	}
	batch, ok := v.turn(all)
	if !ok {
		return
	}
	r, err := v.Verify(ctx, batch, ignore)
	if err != nil || len(r.Lost) == 0 || v.o.Repair == nil {
		return
	}
	// A crash here loses the knowledge that these may come late: they are told as
	// out of order then, which they are.
	v.mayPutBack(batch, r.Lost)
	n, err := v.o.Repair(ctx, r.Lost)
	if err != nil {
		v.o.Log.Error("lost events could not be published again", "batch", batch, "missing", r.Missing, "error", err)
		return
	}
	if n > 0 { // else they are not kept any more, or the server does not take them yet
		v.o.Log.Warn("lost events were published again", "batch", batch, "missing", r.Missing, "published", n)
		_, _ = v.Verify(ctx, batch, ignore) // it notes and tells what came of it
	}
}

func ignore(uint64, uint64) {}

// turn returns the batch whose turn it is: the one that was not verified for the
// longest, of those that have changed since, are not complete or had problems. Of
// those that were never verified in this process the one that changed last comes
// first: that is where somebody waits for events. One that cannot be verified must
// not hold up the others, so that its turn was counts as well.
func (v *Verifier) turn(all []store.Recorded) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	due := slices.DeleteFunc(slices.Clone(all), func(b store.Recorded) bool {
		m, verified := v.marks[b.ID]
		same := verified && m.changes == changes{b.Revision, b.Events}
		return b.Revision == 0 && b.Events == 0 || same && b.Completed && m.Problems == 0
	})
	if len(due) == 0 {
		return "", false
	}
	at := func(id string) time.Time {
		if m := v.marks[id]; m.At.After(v.tried[id]) {
			return m.At
		}
		return v.tried[id]
	}
	next := slices.MinFunc(due, func(a, b store.Recorded) int {
		return cmp.Or(at(a.ID).Compare(at(b.ID)), compareLast(b, a), cmp.Compare(a.ID, b.ID))
	})
	v.tried[next.ID] = time.Now()
	return next.ID, true
}

// compareLast compares when events of two batches were last observed.
func compareLast(a, b store.Recorded) int {
	at := func(r store.Recorded) time.Time {
		if r.Last == nil {
			return time.Time{}
		}
		return *r.Last
	}
	return at(a).Compare(at(b))
}
