package simulator

import (
	"slices"
	"time"
)

// arm schedules the next dial of a batch, if there is anything to dial and it
// may be dialled. It is called after each change of what arm looks at.
func (s *Simulator) arm(b *batch, at time.Time) {
	if b.paused || b.ended() || b.failure != "" || !b.hasDialable() {
		b.armedAt = time.Time{}
		return
	}
	when := latest(at, b.created.Add(dispatchDelay))
	if !b.lastDial.IsZero() {
		when = latest(when, b.lastDial.Add(b.interval()))
	}
	if when.Equal(b.armedAt) {
		return
	}
	b.armedAt = when
	s.queue.schedule(when, func(at time.Time) {
		// Armed for another time since, or for none. Two events for the
		// same time are no problem: the first moves armedAt away.
		if b.armedAt.Equal(at) {
			b.armedAt = time.Time{}
			s.dialNext(b, at)
		}
	})
}

// dialNext gives one dial to a retry that is due, or else to the next call in
// order. A call that is canceled costs no dial.
func (s *Simulator) dialNext(b *batch, at time.Time) {
	b.repace(at)
	defer func() { s.arm(b, at) }()
	for b.hasDialable() {
		if len(b.due) > 0 {
			c := b.due[0]
			b.due = b.due[1:]
			b.lastDial = at
			s.dial(c, at)
			return
		}
		c := b.calls[b.next]
		b.next++
		if c.canceledEarly {
			c.move(at, change{request: reqCanceled, channel: chCanceled})
			c.settle()
			continue
		}
		b.lastDial = at
		s.dial(c, at)
		return
	}
}

// hasDialable also moves next to the next call that awaits its first dial.
func (b *batch) hasDialable() bool {
	for b.next < len(b.calls) && (b.calls[b.next].removed || b.calls[b.next].stage != stageQueued) {
		b.next++
	}
	return len(b.due) > 0 || b.next < len(b.calls)
}

// retryLater dials a call again after the campaign's interval.
func (s *Simulator) retryLater(c *call, at time.Time) {
	c.stage = stageWaiting
	s.later(c, at.Add(c.batch.campaign.retryInterval), func(at time.Time) {
		if c.stage == stageWaiting { // not settled by an expiry meanwhile
			c.batch.due = append(c.batch.due, c)
			s.arm(c.batch, at)
		}
	})
}

// setExpiry moves the end of dialling. A batch that had expired comes back if
// its end is moved into the future, but not the calls that it canceled.
func (s *Simulator) setExpiry(b *batch, expires, at time.Time) {
	b.expires, b.expired = expires, false
	switch {
	case expires.IsZero():
	case expires.After(at):
		s.queue.schedule(expires, func(at time.Time) {
			if b.expires.Equal(at) {
				b.expire(at)
			}
		})
	default:
		b.expire(at)
	}
	s.arm(b, at)
}

// expire ends dialling. What becomes of calls that were not dialled is not
// documented; they are canceled here, for a batch that ends must be able to
// finish. Calls on the line go on.
func (b *batch) expire(at time.Time) {
	if b.ended() {
		return
	}
	b.expired = true
	b.stop(at)
}

// delete does to the calls what an expiry does; nothing documents what becomes
// of them.
func (b *batch) delete(reason string, at time.Time) {
	b.deleted, b.reason = at, reason
	b.stop(at)
}

// stop ends dialling for good.
func (b *batch) stop(at time.Time) {
	b.updated, b.changed, b.armedAt, b.due = at, at, time.Time{}, nil
	for _, c := range b.calls {
		switch {
		case c.removed:
		case c.stage == stageQueued:
			c.move(at, change{request: reqCanceled, channel: chCanceled})
			c.settle()
		case c.stage == stageWaiting:
			c.move(at, change{request: reqFailed}) // no change unless QuietRetry
			c.settle()
		}
	}
}

// remove takes a call out of the results; what it was doing is forgotten.
func (b *batch) remove(c *call, at time.Time) {
	b.count(c, -1)
	c.settle()
	c.removed, c.raw = true, nil
	delete(b.byRef, c.ref)
	b.due = slices.DeleteFunc(b.due, func(d *call) bool { return d == c })
	b.updated, b.changed = at, at
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
