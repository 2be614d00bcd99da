package app

import (
	"context"
	"time"

	"github.com/syllable-notifier/notifier/internal/fetch"
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

func (a *App) guarded(err error) error {
	if damaged(err) {
		a.fail(err)
	}
	return err
}
