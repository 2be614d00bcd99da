package fetch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/syllable-notifier/notifier/internal/crashpoint"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// poll asks for what became of a batch.
func (p *Poller) poll(ctx context.Context, w *watch, j *job) func() {
	asked := time.Now()
	err := p.pollOnce(ctx, j)
	gone := syllable.IsNotFound(err)
	if gone {
		if e := p.tellGone(ctx, j); e != nil {
			err, gone = e, false
		}
	}
	return func() {
		w.spent.add(j.spent)
		w.gone = gone
		if j.looked.After(w.looked) {
			w.batch, w.looked = j.batch, j.looked
		}
		p.noteHealth(ctx, err)
		if err != nil {
			var fixed time.Duration
			if gone {
				fixed = goneWait(p.o.Discovery, w.pace.failures)
				p.setReady(nil)
			}
			p.failed(ctx, &w.pace, err, fixed, "batch could not be polled; trying again", "batch", w.id)
			p.publish(w)
			return
		}
		p.recovered(&w.pace, "batch can be polled again", "batch", w.id)
		if j.duplicates > 0 && !w.warned {
			w.warned = true
			p.o.Log.Warn("the list of results has reference ids more than once; one result of each is used",
				"batch", w.id, "passed_over", j.duplicates)
		}
		factor := p.factor(w, time.Now())
		w.pace.off = factor == never && !w.pace.again
		w.pace.succeeded(asked, factor)
		p.setReady(nil)
		p.publish(w)
	}
}

// patientMisses is how often a batch that is not there is asked for as for a new
// one; it may be about to come. Then ever more rarely, to goneLongest.
const (
	patientMisses = 10
	goneLongest   = time.Hour
)

func goneWait(discovery time.Duration, misses int) time.Duration {
	wait := discovery
	for n := patientMisses; n < misses && wait < goneLongest; n++ {
		wait *= 2
	}
	return min(wait, max(goneLongest, discovery))
}

// tellGone tells the taker that the platform does not know the batch, unless a
// wrong address or key may be the reason: then the list of batches fails too.
func (p *Poller) tellGone(ctx context.Context, j *job) error {
	if err := p.platform.anyBatch(ctx, &j.spent); err != nil {
		return fmt.Errorf("batch %s is not found, and the batches cannot be listed: %w", j.id, err)
	}
	return p.taker.Gone(j.id)
}

// pollOnce asks for all of a batch, or where that says as much for the part of
// it that can have changed.
func (p *Poller) pollOnce(ctx context.Context, j *job) error {
	m := j.mind
	if !m.wholeDue(time.Now(), j.batch, p.o.Interval, p.o.Settle) && m.partPays() {
		j.partial = true
		return p.pollPart(ctx, j)
	}
	if p.lookDue(j) {
		// Whether it is gone the results say as well.
		if err := p.look(ctx, j); err != nil && (len(p.o.Batches) > 0 || !syllable.IsNotFound(err)) {
			return err
		}
	}
	return p.pollWhole(ctx, j)
}

// lookDue says whether the details of the batch are to be asked for before a
// whole list: where nothing else says what the batch itself is like, and where
// its counts are to be compared with the list.
func (p *Poller) lookDue(j *job) bool {
	return j.mind.held.Baseline || j.mind.lists > 0 && j.mind.partPays() ||
		len(p.o.Batches) > 0 && time.Since(j.looked) >= p.o.Discovery
}

// look asks for what the platform says of a batch itself; the list of batches
// says the same of all of them, but for the counts.
func (p *Poller) look(ctx context.Context, j *job) error {
	asked := time.Now()
	b, err := p.platform.batch(ctx, &j.spent, j.id)
	if err != nil {
		return err
	}
	if b.BatchID != j.id {
		return fmt.Errorf("batch %s: %w: it is of batch %q", j.id, syllable.ErrBody, b.BatchID)
	}
	if b.Status == "" {
		b.Status = j.batch.Status
	}
	j.batch, j.looked, j.counted = b, asked, b.Breakdown != nil
	held, err := p.taker.Seen([]syllable.Batch{b}, asked, time.Now())
	if err != nil {
		return err
	}
	j.mind.remembered(held[0])
	return nil
}

// pollWhole asks for all results, makes sure of the answer, and hands it over.
func (p *Poller) pollWhole(ctx context.Context, j *job) error {
	m := j.mind
	o := p.observation(ctx, j)
	defer o.close()
	var known syllable.Version
	if m.whole && time.Since(m.sent) < longestWhole*p.o.Interval && !m.finishing(j.batch) {
		known = m.version
	}
	version, err := p.platform.results(ctx, &j.spent, j.id, syllable.Filter{}, known, o.body)
	o.Answered = time.Now()
	switch unmodified := errors.Is(err, syllable.ErrNotModified); {
	case err != nil && !unmodified:
		return err
	case unmodified:
		o.Unchanged, o.unlisted = true, true
		o.fingerprint = m.taken
	default:
		o.fingerprint = o.body.fingerprint()
		o.Unchanged = m.whole && o.fingerprint == m.taken
	}
	flow := m.flow
	if !o.Unchanged {
		// A body that was taken before was valid then; it is not looked at again.
		flow = newFlow()
		if err := o.validate(ctx, flow.note); err != nil {
			return fmt.Errorf("results of batch %s: %w", j.id, err)
		}
	}
	lists := m.lists
	// What the taker has of the list after an error is not known: the next one
	// counts as changed, whatever it is.
	m.lists, m.whole = 0, false
	// A crash here loses an answer that nobody was told of; it is asked for
	// again.
	crashpoint.Here(crashpoint.FetchAnswered)
	held, err := p.taker.Take(ctx, o)
	if err != nil {
		return err
	}
	m.learn(held, o.Answered)
	m.lists, m.whole = lists+1, true
	m.asked, m.taken, m.version, m.flow = o.Asked, o.fingerprint, version, flow
	if !o.unlisted {
		m.sent = o.Asked
	}
	if !o.Unchanged {
		m.size, m.count, m.twice = o.body.size, o.count, o.Duplicates > 0
	}
	m.coarse = nil
	m.flow.since(o.Asked)
	m.owed = false
	if j.counted {
		m.drift = excess(countsOf(j.batch), heldCounts(held), nil)
		m.doubt, m.fewer = nil, false
	}
	j.duplicates = o.Duplicates
	return nil
}

// observation returns one that is yet to be filled.
func (p *Poller) observation(ctx context.Context, j *job) *Observation {
	retries := syllable.RetriesUnknown
	c, ok := p.campaigns.get(ctx, j.batch.CampaignID, func(ctx context.Context, id int64) (syllable.Campaign, error) {
		return p.platform.campaign(ctx, &j.spent, id)
	})
	if ok {
		retries = c.RetryCount
	}
	counted := -1
	if j.counted {
		counted = countsOf(j.batch).total()
	}
	return &Observation{
		Batch: j.id, CampaignID: j.batch.CampaignID, Retries: retries, Asked: time.Now(), Counted: counted,
		body: newSpool(p.o.Dir, memoryLimit),
	}
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
