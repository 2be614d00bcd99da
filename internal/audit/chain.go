package audit

import "github.com/syllable-notifier/notifier/event"

// call is what is kept of one call.
type call struct {
	revisions
	// silent says that the call did not begin with its first sight: it was
	// recorded silently, or its first event is faulty. What its fields were
	// before their first event is not known then.
	silent bool
	// removed says that the newest event says so, unread that the newest event
	// cannot be read.
	removed, unread bool
	state           [fields]state
	last            [fields]value // the newest "to" that was read
	steps           []step        // in the order of the stream

	// The fingerprint of the insights by the newest event, and as it was
	// before the poll that gave that event; see before.
	content, contentBefore *string
	rating                 value // by the newest event
	until                  int64 // of the newest event, Unix nanoseconds

	want *record // what the state holds of it, where that is known
}

// state is what is known of a field's chain.
type state uint8

const (
	untold state = iota // no event yet
	told                // by the newest of its events, which is last
	lost                // an event is missing or cannot be read
)

// step is a value that an event said the field had.
type step struct {
	revision uint64
	field    field
	value    value
}

// add judges the call's next event and takes it into the chain.
func (c *call) add(a *Auditor, f field, m message) {
	d := m.data
	if !c.follow(a, d.Revision) {
		return
	}
	if (d.Revision == 1 || c.removed) && (f != request || d.From != nil) {
		// A call that was removed is not recorded silently when it is back.
		if known := c.removed || !a.AllowBaseline; known {
			a.problem("the first event of a call must be of %s and from null, but this is of %s and from %s",
				request, f, show(d.From))
		}
		c.silent = true
	}
	c.removed, c.unread = false, false
	if until := d.Observed.Until.UnixNano(); until != c.until {
		c.until, c.contentBefore = until, c.content
	}
	c.content = fingerprint(m.result[content.String()])
	c.rating = a.known.put(rating(m.result[content.String()]))

	if want, known := c.before(a, f); known && !same(d.From, want) {
		a.problem("from is %s, but %s was %s before", show(d.From), f, show(want))
	} else if from := a.known.put(d.From); from != c.last[f] { // of a silent past, or of a missing event
		c.step(a, step{d.Revision, f, from})
	}
	c.state[f], c.last[f] = told, a.known.put(d.To)
	c.step(a, step{d.Revision, f, c.last[f]})
}

// step keeps a value for Compare. Where the state is known its record is compared
// instead, which needs the newest values alone.
func (c *call) step(a *Auditor, s step) {
	if a.held == nil {
		c.steps = append(c.steps, s)
	}
}

// remove takes in that the call is no longer listed: should it be again, all of
// its fields start from null.
func (c *call) remove(a *Auditor, m message) {
	d := m.data
	if from, to := event.PresenceListed, event.PresenceRemoved; !same(d.From, &from) || !same(d.To, &to) {
		a.problem("%s goes from %s to %s, want %s to %s", d.Field, show(d.From), show(d.To), from, to)
	}
	a.checkObserved(d.Observed)
	a.checkReference(m)
	if len(m.result) > 1 {
		a.problem("the result of a call that is not listed has more than its reference_id")
	}
	if !c.follow(a, d.Revision) {
		return
	}
	if d.Revision == 1 && !a.AllowBaseline || c.removed {
		a.problem("it is removed, but was not listed")
	}
	*c = call{revisions: c.revisions, want: c.want, removed: true, steps: c.steps}
	c.step(a, step{d.Revision, presence, gone})
}

// skip takes note of an event of which no more than its revision is known.
func (c *call) skip(a *Auditor, revision uint64) {
	if c.follow(a, revision) {
		c.lose()
		c.unread = true
	}
}

// follow wants the next revision. It says whether the event is a new one; one
// that is not cannot be part of the chain.
func (c *call) follow(a *Auditor, revision uint64) bool {
	fresh, missing := a.next(&c.revisions, revision)
	if missing {
		c.lose()
	}
	return fresh
}

// lose forgets what the fields were: whatever comes next can be right.
func (c *call) lose() {
	for f := range c.state {
		c.state[f] = lost
	}
	c.removed = false
}

// before returns what a field must have been before the event at hand, and
// whether that is known.
func (c *call) before(a *Auditor, f field) (*string, bool) {
	switch {
	case c.state[f] == told:
		return a.known.get(c.last[f]), true
	case c.state[f] == lost || c.silent:
		return nil, false
	case f == content:
		// A change of content together with a change of insights_status has
		// no event of its own: the content came with the event of the status.
		return c.contentBefore, true
	default:
		return nil, true
	}
}
