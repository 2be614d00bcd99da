package publish

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
)

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
	// repeatLog is how often a trouble that lasts is logged again, and
	// changedLog how often it may be when its cause looks different.
	repeatLog  = 10 * time.Minute
	changedLog = 10 * time.Second
)

// trouble paces what is tried again and keeps the log short: the first
// failure, a reminder now and then, and the recovery.
type trouble struct {
	log      *slog.Logger
	what     string // the message of the first failure
	failures int
	since    time.Time
	logged   time.Time
	text     string // of what was logged
	backoff  *backoff.ExponentialBackOff

	mu  sync.Mutex
	now string // the newest failure, empty while all is well; others may ask
}

// current returns the newest failure, empty while all is well.
func (t *trouble) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

func (t *trouble) set(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = text
}

// failed notes a failure and returns how long to wait before the next try.
func (t *trouble) failed(err error) time.Duration {
	t.set(err.Error())
	now := time.Now()
	if t.failures == 0 {
		t.since = now
		t.backoff = &backoff.ExponentialBackOff{
			InitialInterval: firstPause, RandomizationFactor: 0.2, Multiplier: 2, MaxInterval: longestPause,
		}
	}
	t.failures++
	changed := err.Error() != t.text && now.Sub(t.logged) >= changedLog
	if t.failures == 1 || changed || now.Sub(t.logged) >= repeatLog {
		t.logged, t.text = now, err.Error()
		t.log.Warn(t.what, "error", err, "failures", t.failures) //nolint:sloglint // what is set once, by the owner
	}
	return max(t.backoff.NextBackOff(), RetryWait(err))
}

// over notes that all is well.
func (t *trouble) over() {
	t.set("")
	if t.failures > 0 {
		t.log.Info("recovered", "from", t.what, "failures", t.failures, "after", time.Since(t.since).Round(time.Second))
		t.failures = 0
	}
}

// pause waits, unless ctx ends or wake receives first.
func pause(ctx context.Context, d time.Duration, wake <-chan nats.Status) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

func isOutboxError(err error) bool {
	var o *outboxError
	return errors.As(err, &o)
}
