package app

import (
	"context"
	"errors"
	"time"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// guard ends the daemon when the state is found damaged: to go on would be to
// tell things that cannot be relied on.
type guard struct {
	fetch.Taker
	app *App
}

// Seen implements fetch.Taker.
func (g guard) Seen(batches []syllable.Batch, asked, answered time.Time) ([]fetch.Held, error) {
	held, err := g.Taker.Seen(batches, asked, answered)
	return held, g.app.guarded(err)
}

// Take implements fetch.Taker.
func (g guard) Take(ctx context.Context, o *fetch.Observation) (fetch.Held, error) {
	held, err := g.Taker.Take(ctx, o)
	return held, g.app.guarded(err)
}

// Gone implements fetch.Taker.
func (g guard) Gone(batch string) error { return g.app.guarded(g.Taker.Gone(batch)) }

// herald does the same for what is told of the platform as a whole.
type herald struct {
	fetch.Herald
	app *App
}

// Unreachable implements fetch.Herald.
func (h herald) Unreachable(o fetch.Outage) error { return h.app.guarded(h.Herald.Unreachable(o)) }

// Recovered implements fetch.Herald.
func (h herald) Recovered(o fetch.Outage) error { return h.app.guarded(h.Herald.Recovered(o)) }

// stateGuard does the same for what the publishing half keeps in the state.
type stateGuard struct {
	*store.Store
	app *App
}

// Relayed implements publish.Outbox.
func (g stateGuard) Relayed(sequence uint64, note []byte) error {
	return g.app.guarded(g.Store.Relayed(sequence, note))
}

// ParkRelayed implements publish.Outbox.
func (g stateGuard) ParkRelayed(sequence uint64, reason string, at time.Time) error {
	return g.app.guarded(g.Store.ParkRelayed(sequence, reason, at))
}

// Place implements publish.Places.
func (g stateGuard) Place(sink string) ([]byte, error) {
	note, err := g.Store.Place(sink)
	return note, g.app.guarded(err)
}

// PutPlace implements publish.Places.
func (g stateGuard) PutPlace(sink string, note []byte) error {
	return g.app.guarded(g.Store.PutPlace(sink, note))
}

func (a *App) guarded(err error) error {
	if errors.Is(err, store.ErrDamaged) {
		a.fail(err)
	}
	return err
}
