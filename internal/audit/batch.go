package audit

import (
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// batch is what is kept of the events of a batch itself, and in sum of those of
// its calls.
type batch struct {
	revisions
	life   life
	state  state   // of the chain of its status
	status *string // the newest
	// discovered says that this was told, and so that the batch was not recorded
	// silently.
	discovered bool

	// What the stream told of its calls: how many events there were by their
	// revisions, those that are missing included; and when the first and the last
	// were observed, unless vague says that one of them could not be read.
	events      uint64
	first, last time.Time
	vague       bool

	manifest     *event.Manifest // of the newest batch.completed, nil once it was reopened
	manifestFits bool            // it agrees with the stream before it
}

// life is how far on a batch is by its events.
type life string

const (
	begun     life = ""          // nothing was told of it
	open      life = "open"      // there is something to come
	reopened  life = "reopened"  // an event of a call must be next
	completed life = "completed" // nothing is to come without a batch.reopened
	unknown   life = "unknown"   // an event is missing or cannot be read
)

// told takes in events of a call: of one that was observed then, or so many of
// which one or more are missing. A repeated one is none.
func (b *batch) told(a *Auditor, events uint64, observed *time.Time) {
	if events == 0 {
		return
	}
	if b.life == completed && a.repaired {
		b.events += events
		return // it was put back, and is no news
	}
	if b.life == completed {
		a.problem("it comes after %s without %s before it", event.BatchCompleted, event.BatchReopened)
	}
	b.life = open // or else every further event would be a problem
	b.events += events
	if events > 1 || observed == nil {
		b.vague = true
		return
	}
	if b.first.IsZero() {
		b.first = *observed
	}
	b.last = *observed
}

// addBatch judges an event of a batch itself.
func (a *Auditor) addBatch(r raw) {
	d, object, err := readBatch(r.data)
	id := r.id
	if err != nil {
		if r.idErr != nil {
			a.unreadable(r, err)
			return
		}
		a.begin(batchAt(id.Batch, id.Revision), r)
		if a.strange(id) {
			return
		}
		a.problem("the data cannot be read: %v", err)
		a.batch(id.Batch).skip(a, id.Revision)
		return
	}
	id.Scope, id.Batch, id.Reference, id.Revision = event.ScopeBatch, d.BatchID, "", d.Revision
	a.begin(batchAt(id.Batch, id.Revision), r)
	if a.strange(id) {
		return
	}
	name, err := a.batchName(d, r)
	if err != nil {
		a.problem("%v", err)
		a.batch(id.Batch).skip(a, id.Revision)
		return
	}
	a.named(envelope{id, r.idErr, name, d.CampaignID, d.Observed.Until}, r)
	a.checkBatch(d, object)
	a.batch(id.Batch).add(a, name, d)
}

// skip takes note of an event of which no more than its revision is known.
func (b *batch) skip(a *Auditor, revision uint64) {
	if fresh, _ := a.next(&b.revisions, revision); fresh {
		b.lose()
	}
}

// lose forgets what the batch was: whatever comes next can be right.
func (b *batch) lose() { b.state, b.life, b.manifest = lost, unknown, nil }

// add takes the event into the life of the batch.
func (b *batch) add(a *Auditor, name string, d event.Batch) {
	fresh, missing := a.next(&b.revisions, d.Revision)
	if !fresh {
		return
	}
	if missing {
		b.lose()
	}
	if d.Field == event.FieldStatus {
		b.changed(a, d)
		return
	}
	switch name {
	case event.BatchDiscovered:
		if d.Revision != 1 {
			a.problem("it was discovered before")
		}
		b.discovered = true
		if b.life == begun {
			b.life = open
		}
	case event.BatchReopened:
		if b.life == reopened || b.life == open && !a.silently(b) || b.life == begun && !a.AllowBaseline {
			a.problem("it is reopened, but was not completed")
		}
		b.life, b.manifest = reopened, nil
	case event.BatchCompleted:
		switch b.life {
		case completed:
			a.problem("it is completed for a second time")
		case reopened:
			a.problem("it is completed, but no event of a call has come since it was reopened")
		case begun, open, unknown:
		}
		b.life = completed
		problems := a.report.ProblemCount
		b.checkManifest(a, d)
		b.manifest, b.manifestFits = d.Manifest, a.report.ProblemCount == problems
	}
}

// silently says whether a batch may have been found complete at the very first
// start, and so not told of it.
func (a *Auditor) silently(b *batch) bool { return a.held != nil && !b.discovered }

// changed takes in another status of the platform.
func (b *batch) changed(a *Auditor, d event.Batch) {
	known := b.state == told || b.state == untold && (!a.AllowBaseline || b.discovered)
	if known && !same(d.From, b.status) {
		a.problem("from is %s, but the status was %s before", show(d.From), show(b.status))
	}
	b.state, b.status = told, d.To
}
