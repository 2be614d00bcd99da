package fetch

import (
	"context"
	"slices"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

const (
	// wholeListAge is how old the newest whole list of batches may be; between
	// two of them only the batches that changed last are looked at.
	wholeListAge = time.Hour
	// wholeListTries is how often a whole list is read again that changed its
	// length meanwhile.
	wholeListTries = 3
	// listSlack is how much older than the newest change seen before a batch
	// must be for the rest of the list to be known: changes need not become
	// visible in the order of their times.
	listSlack = 10 * time.Minute
	// clockSlack is how far ahead of ours the platform's clock may be. A batch
	// that changed later than that would hide all others behind it.
	clockSlack = time.Hour
)

// discovery is the search for batches.
type discovery struct {
	pace   pace
	whole  time.Time // when all batches were listed last
	newest time.Time // last_updated_at of the batch that changed last
	spent  Spent
}

// discoveryPlan is how the list is to be read.
type discoveryPlan struct {
	// newest is the last_updated_at of the batch that changed last, as far as
	// it is known, and until the one down to which to read; zero: all.
	newest, until time.Time
}

func (d *discovery) plan(now time.Time) discoveryPlan {
	var plan discoveryPlan
	if !d.newest.IsZero() && now.Sub(d.whole) < wholeListAge {
		plan.newest, plan.until = d.newest, d.newest.Add(-listSlack)
	}
	return plan
}

// finding is what a list of batches showed.
type finding struct {
	batches []syllable.Batch
	held    []Held
	newest  time.Time // last_updated_at
	spent   Spent
}

// discover finds the batches to watch: the configured ones, or those that the
// platform lists.
func (p *Poller) discover(ctx context.Context, plan discoveryPlan) func() {
	asked := time.Now()
	f := &finding{}
	err := p.find(ctx, plan, f)
	if err == nil {
		f.held, err = p.taker.Seen(f.batches, asked, time.Now())
	}
	return func() {
		d := &p.discovery
		d.spent.add(f.spent)
		// That the list can be read says little while no batch can.
		if err != nil || !p.anyFailing() {
			p.noteHealth(ctx, err)
		}
		if err != nil {
			p.failed(ctx, &d.pace, err, 0, "batches could not be listed; trying again")
			p.publish(nil)
			return
		}
		p.recovered(&d.pace, "batches can be listed again")
		if plan.until.IsZero() {
			d.whole = asked
		}
		if f.newest.After(d.newest) {
			d.newest = f.newest
		}
		d.pace.succeeded(asked, 1)
		d.pace.off = len(p.o.Batches) > 0 // those do not change
		p.watchAll(f, asked)
	}
}

func (p *Poller) find(ctx context.Context, plan discoveryPlan, f *finding) error {
	for _, id := range p.o.Batches {
		f.batches = append(f.batches, syllable.Batch{BatchID: id})
	}
	if len(f.batches) > 0 {
		return nil
	}
	if !plan.until.IsZero() {
		_, err := p.read(ctx, syllable.NewestFirst, plan, f)
		return err
	}
	for range wholeListTries {
		f.batches = nil
		if steady, err := p.read(ctx, syllable.Steady, plan, f); steady || err != nil {
			return err
		}
	}
	return nil // it always changes: what is missed now is found later
}

// read reads the list in an order, as far as the plan says.
func (p *Poller) read(ctx context.Context, o syllable.Order, plan discoveryPlan, f *finding) (steady bool, err error) {
	sorted := newestFirst{first: plan.newest}
	soon := time.Now().Add(clockSlack)
	return p.platform.batches(ctx, o, &f.spent, func(b syllable.Batch) bool {
		at := updated(b)
		if at.After(f.newest) && at.Before(soon) {
			f.newest = at
		}
		if p.wanted(b) {
			f.batches = append(f.batches, b)
		}
		return plan.until.IsZero() || !sorted.below(at, plan.until)
	})
}

// newestFirst watches whether a list is in that order, which a platform may
// not keep to, although it was asked for.
type newestFirst struct {
	first  time.Time // the list begins with this one or a newer one
	last   time.Time
	broken bool
}

// below says whether the rest of the list is known to be older than a time.
func (n *newestFirst) below(at, until time.Time) bool {
	beginning := n.last.IsZero()
	n.broken = n.broken || at.IsZero() || beginning && at.Before(n.first) || !beginning && at.After(n.last)
	n.last = at
	return !n.broken && at.Before(until)
}

// updated returns when a batch changed last by the platform's clock, zero where
// it does not say. It serves to read less, and never to decide what is true.
func updated(b syllable.Batch) time.Time {
	if b.LastUpdatedAt == nil {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, *b.LastUpdatedAt)
	if err != nil {
		return time.Time{}
	}
	return at
}

func (p *Poller) wanted(b syllable.Batch) bool {
	return len(p.o.Campaigns) == 0 || b.CampaignID != nil && slices.Contains(p.o.Campaigns, *b.CampaignID)
}

// anyFailing says whether a poll of any batch failed last.
func (p *Poller) anyFailing() bool {
	for _, w := range p.watches {
		if w.pace.failures > 0 && !w.gone {
			return true
		}
	}
	return false
}

// said says whether a look shows another status than the one before.
func said(b, before syllable.Batch) bool { return b.Status != "" && b.Status != before.Status }

// watch starts watching a batch.
func (p *Poller) watch(b syllable.Batch, held Held) *watch {
	now := time.Now()
	w := &watch{id: b.BatchID, batch: b, found: now, pace: newPace(p.o.Interval, p.o.Random), mind: &mind{flow: newFlow()}}
	w.mind.remembered(held)
	p.watches[w.id] = w
	polled := held.Polled
	if polled.After(now) {
		polled = now // the clock was wrong
	}
	w.pace.resume(polled, p.factor(w, now))
	p.o.Log.Info("watching batch", "batch", w.id)
	return w
}

// watchAll starts watching those batches that are not watched yet, and asks at
// once for those that were quiet and have changed.
func (p *Poller) watchAll(f *finding, asked time.Time) {
	first := !p.discovered
	p.discovered = true
	now := time.Now()
	for i, b := range f.batches {
		w := p.watches[b.BatchID]
		switch {
		case w == nil && b.Deleted() && !f.held[i].Known:
			continue // it was deleted before we saw it, and has nothing to tell
		case w == nil:
			w = p.watch(b, f.held[i])
		case b.Raw != nil && (said(b, w.batch) || updated(b).After(updated(w.batch))):
			w.pace.hasten(now, p.o.Interval)
		}
		if b.Status == "" {
			b.Status = w.batch.Status
		}
		if b.Raw != nil && asked.After(w.looked) {
			w.batch, w.looked = b, asked
		}
		p.publish(w)
	}
	if first {
		p.o.Log.Info("batches listed", "watching", len(p.watches))
		p.setReady(errNotPolled)
	}
	if len(p.watches) == 0 {
		p.setReady(nil)
	}
}
