package app

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// upkeepInterval is how often events are let go that need not be kept any more.
const upkeepInterval = time.Minute

// upkeep keeps the state small until ctx ends.
func (a *App) upkeep(ctx context.Context) {
	ticker := time.NewTicker(upkeepInterval)
	defer ticker.Stop()
	for {
		if err := a.letGo(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("events that are old stay in the state; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// letGo forgets the events that the stream took long enough ago: what would have
// left it by now need not be published again.
func (a *App) letGo(ctx context.Context) error {
	keep := min(a.cfg.OutboxKeep, a.cfg.Retention)
	for ctx.Err() == nil {
		n, err := a.store.LetGo(keep)
		if err != nil || n == 0 {
			return a.guarded(err)
		}
	}
	return nil
}

// room says why no more may be polled: too many events wait for the stream. There
// is room again when a tenth of them is gone, so that it does not change with each
// event.
type room struct {
	limit   uint64
	waiting func() (uint64, error)

	mu   sync.Mutex
	full bool
}

func (r *room) check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.waiting()
	if err != nil {
		return err
	}
	r.full = n >= r.limit || r.full && n >= r.limit-r.limit/10
	if !r.full {
		return nil
	}
	return fmt.Errorf("%d events wait for the stream, and NOTIFIER_OUTBOX_LIMIT is %d: see why it does not take them",
		n, r.limit)
}
