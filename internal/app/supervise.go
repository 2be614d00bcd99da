package app

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// healthInterval is how often the embedded server is looked at.
	healthInterval = 10 * time.Second
	// illBefore is how many looks in a row find it ill before it is restarted.
	illBefore = 3
	// longestRestartWait bounds the wait from one restart to the next.
	longestRestartWait = 10 * time.Minute
)

// supervised is a server that can be looked at and restarted.
type supervised interface {
	Healthy() error
	Restart(ctx context.Context) error
}

// supervise restarts a server that stays ill, until ctx ends. After a full disk
// it does not take events again by itself, also when there is space. What is
// ill for another reason is restarted ever more rarely.
func (a *App) supervise(ctx context.Context, server supervised) {
	wait := &backoff.ExponentialBackOff{
		InitialInterval: illBefore * healthInterval, Multiplier: 2, MaxInterval: longestRestartWait,
	}
	ticker := time.NewTicker(healthInterval)
	defer ticker.Stop()
	ill, restartAt := 0, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := server.Healthy()
		if err == nil {
			ill = 0
			if time.Since(restartAt) > longestRestartWait {
				wait.Reset()
			}
			continue
		}
		if ill++; ill < illBefore || time.Now().Before(restartAt) {
			continue
		}
		a.log.Warn("the embedded NATS server stays ill and is restarted", "error", err)
		restartAt = time.Now().Add(wait.NextBackOff())
		ill = 0
		if err := server.Restart(ctx); err != nil {
			a.log.Error("the embedded NATS server does not start", "error", err)
		}
	}
}
