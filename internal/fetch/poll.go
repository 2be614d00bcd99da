package fetch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// watch is what the poller knows of a batch.
type watch struct {
	id       string
	pace     pace
	campaign *int64
	ended    bool         // by its own status
	detailed time.Time    // when the two above were learnt
	taken    xxh3.Uint128 // fingerprint of the newest list that was taken
	lists    int          // how many were
	warned   bool         // of reference ids that occur twice
}

// learn takes in what the platform says of the batch itself.
func (w *watch) learn(b syllable.Batch, now time.Time) {
	w.campaign, w.ended, w.detailed = b.CampaignID, ended(b), now
}

// ended says whether the platform will place no more calls of the batch. A
// status that is not known does not end it.
func ended(b syllable.Batch) bool {
	return b.Deleted() || slices.Contains([]string{"FAILED", "CANCELED", "EXPIRED"}, b.Status)
}

// discover finds the batches to watch: the configured ones, or those that the
// platform lists.
func (p *Poller) discover(ctx context.Context) func() {
	asked := time.Now()
	found, err := p.find(ctx)
	return func() {
		if err == nil {
			err = p.watchFound(found, asked)
		}
		if err != nil {
			p.failed(ctx, &p.discovery, err, 0, "batches could not be listed; trying again")
			return
		}
		p.recovered(&p.discovery, "batches can be listed again")
		if p.discovery.due.IsZero() {
			p.o.Log.Info("batches listed", "watching", len(found))
		}
		p.discovery.succeeded(asked, 1)
		p.discovery.off = len(p.o.Batches) > 0 // those do not change
	}
}

func (p *Poller) find(ctx context.Context) (found []syllable.Batch, err error) {
	for _, id := range p.o.Batches {
		found = append(found, syllable.Batch{BatchID: id})
	}
	if len(found) > 0 {
		return found, nil
	}
	err = p.platform.Batches(ctx, func(b syllable.Batch) bool {
		if p.wanted(b) {
			found = append(found, b)
		}
		return true
	})
	return found, err
}

func (p *Poller) watchFound(found []syllable.Batch, at time.Time) error {
	ids := make([]string, 0, len(found))
	for _, b := range found {
		// One that was deleted before we saw it has nothing to tell.
		if p.watches[b.BatchID] != nil || !b.Deleted() {
			ids = append(ids, b.BatchID)
		}
	}
	if err := p.watchAll(ids); err != nil {
		return err
	}
	for _, b := range found {
		if w := p.watches[b.BatchID]; w != nil && len(p.o.Batches) == 0 {
			w.learn(b, at)
		}
	}
	return nil
}

func (p *Poller) wanted(b syllable.Batch) bool {
	return len(p.o.Campaigns) == 0 || b.CampaignID != nil && slices.Contains(p.o.Campaigns, *b.CampaignID)
}

// poll asks for the results of a batch; job is a copy of w as it was.
func (p *Poller) poll(ctx context.Context, w *watch, job watch) func() {
	asked := time.Now()
	taken, err := p.pollOnce(ctx, &job)
	gone := syllable.IsNotFound(err)
	if gone {
		if e := p.tellGone(ctx, job.id); e != nil {
			err, gone = e, false
		}
	}
	return func() {
		if job.detailed.After(w.detailed) {
			w.campaign, w.ended, w.detailed = job.campaign, job.ended, job.detailed
		}
		if err != nil {
			// What the taker has of the list is not known: the next one counts
			// as changed, whatever it is.
			w.lists = 0
			var fixed time.Duration
			if gone {
				fixed = p.o.Discovery // it may come: look as for new ones
				p.setReady(nil)
			}
			p.failed(ctx, &w.pace, err, fixed, "batch could not be polled; trying again", "batch", w.id)
			return
		}
		p.recovered(&w.pace, "batch can be polled again", "batch", w.id)
		w.taken = taken.fingerprint
		w.lists++
		if taken.Duplicates > 0 && !w.warned {
			w.warned = true
			p.o.Log.Warn("the list of results has reference ids more than once; one result of each is used",
				"batch", w.id, "passed_over", taken.Duplicates)
		}
		factor := 1.0
		if w.ended {
			factor = endedFactor
		}
		w.pace.succeeded(asked, factor)
		p.setReady(nil)
	}
}

// tellGone tells the taker that the platform does not know the batch, unless a
// wrong address or key may be the reason: then the list of batches fails too.
func (p *Poller) tellGone(ctx context.Context, batch string) error {
	err := p.platform.Batches(ctx, func(syllable.Batch) bool { return false })
	if err != nil {
		return fmt.Errorf("batch %s is not found, and the batches cannot be listed: %w", batch, err)
	}
	return p.taker.Gone(batch)
}

// pollOnce asks for a batch, makes sure of the answer, and hands it over.
func (p *Poller) pollOnce(ctx context.Context, w *watch) (*Observation, error) {
	now := time.Now()
	if len(p.o.Batches) > 0 && (w.detailed.IsZero() || now.Sub(w.detailed) >= p.o.Discovery) {
		b, err := p.platform.Batch(ctx, w.id)
		if err != nil {
			return nil, err
		}
		w.learn(b, now)
	}
	o := &Observation{
		Batch: w.id, CampaignID: w.campaign, Asked: time.Now(),
		body: newSpool(p.o.Dir, memoryLimit),
	}
	defer o.close()
	if err := p.platform.Results(ctx, w.id, syllable.Filter{}, o.body); err != nil {
		return nil, err
	}
	o.Answered = time.Now()
	o.fingerprint = o.body.fingerprint()
	// A body that was taken before was valid then; it is not looked at again.
	if o.Unchanged = w.lists > 0 && o.fingerprint == w.taken; !o.Unchanged {
		if err := o.validate(ctx); err != nil {
			return nil, fmt.Errorf("results of batch %s: %w", w.id, err)
		}
	}
	// A crash here loses an answer that nobody was told of; it is asked for
	// again.
	return o, p.taker.Take(ctx, o)
}

// failed sets the next time, and logs the first failure of a row and each that
// has another cause than the one before.
func (p *Poller) failed(ctx context.Context, pc *pace, err error, fixed time.Duration, msg string, args ...any) {
	before := pc.class
	pc.failed(time.Now(), err, fixed)
	if ctx.Err() != nil {
		return // given up, not failed
	}
	p.notReady(err)
	if now := time.Now(); pc.failures == 1 || pc.class != before || now.Sub(pc.logged) >= repeatLog {
		pc.logged = now
		p.o.Log.Warn(msg, append(args, "error", err)...) //nolint:sloglint // the callers' messages are static
	}
}

func (p *Poller) recovered(pc *pace, msg string, args ...any) {
	if pc.failures > 0 {
		p.o.Log.Info(msg, append(args, "failures", pc.failures)...) //nolint:sloglint // the callers' messages are static
	}
}
