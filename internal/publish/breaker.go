package publish

import "time"

// breaker keeps an endpoint that is ill from being asked by many at once. It is
// tripped by a failure; when the time that the endpoint was given is over, one
// delivery is the probe, and what becomes of it decides for all. It is not safe
// for concurrent use.
type breaker struct {
	tripped bool
	until   time.Time
	// failed is what tripped it, which is the probe, too: a failure may be of
	// one event alone, and others must not hide that.
	failed  *item
	probing bool
}

// bound returns how many deliveries may be under way at once, of those that may
// be while all is well. The probe begins when none is.
func (b *breaker) bound(now time.Time, all int) int {
	switch {
	case !b.tripped:
		return all
	case now.Before(b.until):
		return 0
	}
	return 1
}

// started notes that a delivery begins.
func (b *breaker) started() { b.probing = b.tripped }

// counts says whether a failure is news. Those of deliveries that were under
// way when it tripped are not: many that fail at once are one failure.
func (b *breaker) counts() bool { return !b.tripped || b.probing }

// trip notes a failure that counts, of an item, and when to try again.
func (b *breaker) trip(i *item, until time.Time) {
	*b = breaker{tripped: true, until: until, failed: i}
}

// extend notes a failure that does not count, but may ask for more time.
func (b *breaker) extend(until time.Time) {
	if until.After(b.until) {
		b.until = until
	}
}

// succeeded notes a delivery that went well, and says whether it shows that the
// endpoint is well: one that was under way when the breaker tripped does not.
func (b *breaker) succeeded() bool {
	if b.tripped && !b.probing {
		return false
	}
	*b = breaker{}
	return true
}

// forget drops the items of before: those in hand are other ones from now on.
func (b *breaker) forget() { b.failed, b.probing = nil, false }
