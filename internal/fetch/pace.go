package fetch

import (
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

const (
	// jitter spreads the polls of batches that were found together.
	jitter = 0.1
	// longestBackoff bounds the wait after failures in a row.
	longestBackoff = 5 * time.Minute
	// refusedWait is the least wait after the platform refused the key:
	// asking again soon will not help, and looks like an attack.
	refusedWait = time.Minute
	// longestWait bounds the wait after a success.
	longestWait = 24 * time.Hour
	// repeatLog is how often a failure that lasts is logged again.
	repeatLog = time.Hour
)

// pace says when a thing is to be asked for next.
type pace struct {
	interval time.Duration
	due      time.Time     // zero: at once
	asked    time.Time     // when the newest success was asked for
	wait     time.Duration // from then to due
	busy     bool          // being asked for now
	again    bool          // and due at once when that has ended
	off      bool          // never due
	failures int           // in a row
	class    string        // of the newest failure
	reason   string        // for it
	logged   time.Time
	backoff  *backoff.ExponentialBackOff
	random   func() float64
}

func newPace(interval time.Duration, random func() float64) pace {
	return pace{interval: interval, random: random, backoff: &backoff.ExponentialBackOff{
		InitialInterval: interval,
		Multiplier:      2,
		MaxInterval:     max(longestBackoff, interval),
	}}
}

// spread returns 1, more or less by a share.
func (p *pace) spread(share float64) float64 { return 1 + share*(2*p.random()-1) }

func (p *pace) dueAt(now time.Time) bool { return !p.off && !p.busy && !p.due.After(now) }

// until returns how long it is not due, at most long.
func (p *pace) until(now time.Time, long time.Duration) time.Duration {
	if p.off || p.busy {
		return long
	}
	return min(max(p.due.Sub(now), 0), long)
}

// succeeded sets the next time after an answer to a request of the time given,
// factor intervals later.
func (p *pace) succeeded(asked time.Time, factor float64) {
	p.busy, p.failures, p.reason = false, 0, ""
	p.backoff.Reset()
	p.wait = time.Duration(min(float64(p.interval)*factor*p.spread(jitter), float64(longestWait)))
	p.asked, p.due = asked, asked.Add(p.wait)
	if p.again {
		p.again, p.due = false, time.Now()
	}
}

// resume sets the first time in a process for a batch that was polled by one
// before it: no sooner than that would have, so that a restart does not ask for
// all at once.
func (p *pace) resume(polled time.Time, factor float64) {
	if polled.IsZero() || factor <= 1 {
		return // at once
	}
	p.succeeded(polled, factor)
	p.off = factor == never
}

// hasten has a batch that was quiet polled at once.
func (p *pace) hasten(now time.Time, interval time.Duration) {
	if p.busy { // what changed may have come after what is being read
		p.again = true
		return
	}
	if p.off || p.failures == 0 && p.due.Sub(now) > interval {
		p.off, p.due = false, now
	}
}

// failed sets the next time after an error: later from time to time, or after
// fixed unless that is 0, and not before the platform asked for.
func (p *pace) failed(now time.Time, err error, fixed time.Duration) {
	if p.failures == 0 {
		p.backoff.Reset()
	}
	p.busy = false
	p.failures++
	p.class, p.reason = syllable.Class(err), err.Error()
	wait := fixed
	if wait == 0 {
		wait = time.Duration(float64(p.backoff.NextBackOff()) * p.spread(2*jitter))
	}
	if syllable.IsUnauthorized(err) {
		wait = max(wait, refusedWait)
	}
	p.due = now.Add(max(wait, syllable.RetryAfterOf(err)))
}
