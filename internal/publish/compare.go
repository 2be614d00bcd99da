package publish

import (
	"context"
	"fmt"
	"time"
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
	if r.info = info; info.Sparse {
		return nil
	}
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
	if err := r.send(ctx, missing); err != nil {
		return err
	}
	// A crash here finds them behind the place, and in the outbox.
	return r.moved(r.relayed)
}
