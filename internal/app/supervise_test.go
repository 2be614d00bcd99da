package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// patient is a server that is ill from a time on until it is restarted, or for
// ever.
type patient struct {
	mu       sync.Mutex
	ill      bool
	forever  bool
	restarts []time.Time
}

func (p *patient) Healthy() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ill {
		return errors.New("no space left on device")
	}
	return nil
}

func (p *patient) Restart(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restarts = append(p.restarts, time.Now())
	p.ill = p.forever
	return nil
}

func supervisedFor(t *testing.T, p *patient, d time.Duration) {
	t.Helper()
	a := &App{log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	a.supervise(ctx, p)
}

func TestSupervise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		healthy := &patient{}
		supervisedFor(t, healthy, time.Hour)
		if n := len(healthy.restarts); n != 0 {
			t.Errorf("a healthy server was restarted %d times", n)
		}
		full := &patient{ill: true}
		begun := time.Now()
		supervisedFor(t, full, time.Hour)
		if len(full.restarts) != 1 || full.restarts[0].Sub(begun) > time.Minute {
			t.Errorf("restarted at %v, want once, within a minute", full.restarts)
		}
		broken := &patient{ill: true, forever: true}
		supervisedFor(t, broken, 2*time.Hour)
		if n := len(broken.restarts); n < 10 || n > 25 {
			t.Errorf("a server that stays ill was restarted %d times in 2 hours, want ever more rarely", n)
		}
	})
}
