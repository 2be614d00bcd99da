package fetch

import (
	"math/rand/v2"
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
	// repeatLog is how often a failure that lasts is logged again.
	repeatLog = time.Hour
	// endedFactor stretches the interval of a batch that the platform says
	// has ended; insights may still come for its calls.
	endedFactor = 20
)

// pace says when a thing is to be asked for next.
type pace struct {
	interval time.Duration
	due      time.Time // zero: at once
	busy     bool      // being asked for now
	off      bool      // never due
	failures int       // in a row
	class    string    // of the newest failure
	logged   time.Time
	backoff  *backoff.ExponentialBackOff
}

func newPace(interval time.Duration) pace {
	return pace{interval: interval, backoff: &backoff.ExponentialBackOff{
		InitialInterval:     interval,
		RandomizationFactor: 2 * jitter,
		Multiplier:          2,
		MaxInterval:         max(longestBackoff, interval),
	}}
}

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
	p.busy, p.failures = false, 0
	p.backoff.Reset()
	spread := 1 + jitter*(2*rand.Float64()-1)
	p.due = asked.Add(time.Duration(float64(p.interval) * factor * spread))
}

// failed sets the next time after an error: later from time to time, or after
// fixed unless that is 0, and not before the platform asked for.
func (p *pace) failed(now time.Time, err error, fixed time.Duration) {
	if p.failures == 0 {
		p.backoff.Reset()
	}
	p.busy = false
	p.failures++
	p.class = syllable.Class(err)
	wait := fixed
	if wait == 0 {
		wait = p.backoff.NextBackOff()
	}
	if syllable.IsUnauthorized(err) {
		wait = max(wait, refusedWait)
	}
	p.due = now.Add(max(wait, syllable.RetryAfterOf(err)))
}
