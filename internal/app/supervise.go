package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

const (
	// healthInterval is how often the embedded server is looked at.
	healthInterval = 10 * time.Second
	// illBefore is how many looks in a row find it ill before it is restarted.
	illBefore = 3
	// longestRestartWait bounds the wait from one restart to the next, in looks.
	longestRestartWait = 60
)

// supervised is a server that can be looked at and restarted.
type supervised interface {
	Healthy() error
	Restart(ctx context.Context) error
}

// embedded is the embedded server as the supervisor sees it.
type embedded struct {
	*natsd.Server
	// publishing returns why the newest events could not be published.
	publishing func() error
}

// Healthy implements supervised. A store that takes events and never answers,
// or cannot put a batch aside, looks well to the server itself; who publishes
// finds out.
func (e embedded) Healthy() error {
	if err := e.Server.Healthy(); err != nil {
		return err
	}
	if err := e.publishing(); isIllness(err) {
		return fmt.Errorf("it does not store what is published: %w", err)
	}
	return nil
}

// supervise restarts a server that stays ill, until ctx ends. After a full disk
// it does not take events again by itself, also when there is space; while the
// disk is full, a restart is of no use and would only put off the one that is.
// What is ill for another reason is restarted ever more rarely.
func (a *App) supervise(ctx context.Context, server supervised, interval time.Duration) {
	wait := &backoff.ExponentialBackOff{
		InitialInterval: illBefore * interval, Multiplier: 2, MaxInterval: longestRestartWait * interval,
	}
	ticker := time.NewTicker(interval)
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
			if time.Since(restartAt) > longestRestartWait*interval {
				wait.Reset()
			}
			continue
		}
		if errors.Is(err, natsd.ErrDiskFull) {
			ill, restartAt = 0, time.Time{}
			wait.Reset()
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
