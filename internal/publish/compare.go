package publish

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// compareMargin is by how much the clocks of this machine and of the server may
// differ. If they differ by more, fewer events are compared.
const compareMargin = time.Hour

// compare publishes again what the stream has lost from its middle, as by a damaged
// block, as far as it is still kept. Such an event stands behind newer ones of its
// call: late, but not lost.
//
// What left the stream at its front did so by its age, its limits, or a purge, and
// is not published again: an event that is missing counts as lost only behind one
// that is there, or where nothing has ever left.
func (r *Relay) compare(ctx context.Context) error {
	oldest, _, err := r.next(r.at.From)
	if err != nil {
		return &outboxError{err}
	}
	if len(oldest) == 0 || oldest[0].sequence > r.relayed {
		return nil // nothing is kept to compare
	}
	info, err := r.o.Stream.Open(ctx)
	if err != nil {
		return err
	}
	if !info.Created.Equal(r.info.Created) || info.Last < r.newest.Seq {
		return fmt.Errorf("stream %s is not what it was", info.Name)
	}
	r.info = info
	held, err := r.read(ctx, Start{Since: oldest[0].event.Time.Add(-compareMargin)})
	if err != nil {
		return err
	}
	behind, after := r.info.First <= 1, r.at.From
	for after < r.relayed {
		batch, through, err := r.next(after)
		if err != nil {
			return &outboxError{err}
		}
		if through == 0 {
			break
		}
		after = through
		var missing []entry
		for _, en := range batch {
			_, ok := held[en.event.ID.String()]
			switch {
			case en.sequence > r.relayed:
			case ok:
				behind = true
			case behind && r.unfit(en) == "":
				missing = append(missing, en)
			}
		}
		if err := r.fill(ctx, missing); err != nil {
			return err
		}
	}
	return nil
}

// fill publishes events again that the stream has lost.
func (r *Relay) fill(ctx context.Context, missing []entry) error {
	if len(missing) == 0 {
		return nil
	}
	r.o.Log.Error("the stream has lost events; they are published again, behind newer ones",
		"stream", r.info.Name, "events", len(missing), "first", missing[0].event.ID.Redacted())
	// Noted first: after a crash behind the publish nobody would know that they are
	// late on purpose.
	for _, en := range missing {
		r.at.Filled = append(r.at.Filled, en.event.ID)
	}
	r.at.Filled = slices.Clone(r.at.Filled[max(0, len(r.at.Filled)-maxFilled):])
	if err := r.moved(r.relayed); err != nil {
		return err
	}
	if err := r.send(ctx, missing); err != nil {
		return err
	}
	r.filled += len(missing)
	// A crash here finds them behind the place, and in the outbox.
	return r.moved(r.relayed)
}

// maxFilled is how many events are remembered that were published again behind
// newer ones; the note is written with each batch of events.
const maxFilled = 100

// Late returns the newest events that were published again behind newer ones,
// because the stream had lost them from its middle.
func (r *Relay) Late() []event.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.late
}

// Recheck has what the stream holds compared with what is kept, and returns how many
// events were published again. It waits until Run is at it.
func (r *Relay) Recheck(ctx context.Context) (int, error) {
	done := make(chan int, 1)
	select {
	case r.checks <- done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case n := <-done:
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
