package publish

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
	// repeatLog is how often a trouble that lasts is logged again.
	repeatLog = 10 * time.Minute
)

// trouble paces what is tried again and keeps the log short: the first
// failure, a reminder now and then, and the recovery.
type trouble struct {
	log      *slog.Logger
	what     string // the message of the first failure
	failures int
	since    time.Time
	logged   time.Time
	backoff  *backoff.ExponentialBackOff
}

// failed notes a failure and returns how long to wait before the next try.
func (t *trouble) failed(err error) time.Duration {
	now := time.Now()
	if t.failures == 0 {
		t.since = now
		t.backoff = &backoff.ExponentialBackOff{
			InitialInterval: firstPause, RandomizationFactor: 0.2, Multiplier: 2, MaxInterval: longestPause,
		}
	}
	t.failures++
	if t.failures == 1 || now.Sub(t.logged) >= repeatLog {
		t.logged = now
		t.log.Warn(t.what, "error", err, "failures", t.failures) //nolint:sloglint // what is set once, by the owner
	}
	return max(t.backoff.NextBackOff(), RetryWait(err))
}

// over notes that all is well.
func (t *trouble) over() {
	if t.failures > 0 {
		t.log.Info("recovered", "from", t.what, "failures", t.failures, "after", time.Since(t.since).Round(time.Second))
		t.failures = 0
	}
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func isOutboxError(err error) bool {
	var o *outboxError
	return errors.As(err, &o)
}
