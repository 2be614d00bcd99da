package publish

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

const (
	// compareInterval is how often all that the stream holds is compared with what
	// the outbox still keeps, and compareAgain how soon where that failed, or the
	// server still remembers the ids of what it has lost.
	compareInterval = time.Hour
	compareAgain    = duplicateWindow + time.Minute
	// maxFilled is how many events are remembered that were published again behind
	// newer ones; the note is written with each batch of events.
	maxFilled = 200
)

// compareIfDue compares, and lets publishing go on where that fails: it tells
// nothing of what waits.
func (r *Relay) compareIfDue(ctx context.Context) error {
	if time.Now().Before(r.nextCompare) && len(r.waiting) == 0 {
		return nil
	}
	r.nextCompare = time.Now().Add(compareInterval)
	filled, err := r.compare(ctx)
	for _, done := range r.waiting {
		done <- filled
	}
	r.waiting = nil
	switch {
	case err == nil, ctx.Err() != nil, isOutboxError(err), errors.Is(err, errReconnected):
		return err
	}
	r.o.Log.Warn("the stream could not be compared with what is kept; it is tried again",
		"stream", r.info.Name, "error", err)
	r.nextCompare = time.Now().Add(compareAgain)
	return nil
}

// compare publishes again what the stream has lost from its middle, as by a damaged
// block, as far as it is still kept, and returns how many events that were. Such an
// event stands behind newer ones of its call: late, but not lost.
func (r *Relay) compare(ctx context.Context) (int, error) {
	info, err := r.o.Stream.Open(ctx)
	if err != nil {
		return 0, err
	}
	if !info.Created.Equal(r.info.Created) || info.Connection != r.info.Connection || info.Last < r.newest.Seq {
		return 0, errReconnected
	}
	r.info = info
	kept, err := r.places(ctx)
	if err != nil {
		return 0, err
	}
	left := leftFront(kept, info.First)
	if left > 0 {
		r.at.Left = max(r.at.Left, kept[left-1].out)
	}
	var missing []uint64
	for _, k := range kept[left:] {
		if k.seq == 0 {
			missing = append(missing, k.out)
		}
	}
	filled, err := r.fill(ctx, missing)
	switch lost := len(missing) - filled; {
	case err != nil:
	case filled > 0:
		r.o.Log.Error("the stream had lost events; they were published again, behind newer ones",
			"stream", r.info.Name, "events", filled, "still_missing", lost)
	case lost > 0 && r.lostEvents == 0:
		r.o.Log.Error("the stream has lost events; they are published again once the server has forgotten their ids",
			"stream", r.info.Name, "events", lost)
	}
	if r.lostEvents = len(missing) - filled; r.lostEvents > 0 {
		r.nextCompare = time.Now().Add(compareAgain)
	}
	return filled, err
}

// keptPlace says where in the stream an event of the outbox is, 0 for nowhere.
type keptPlace struct{ out, seq uint64 }

// places returns where the events are that are kept and should be in the stream, in
// the order of the outbox, without those that have left it.
func (r *Relay) places(ctx context.Context) ([]keptPlace, error) {
	var kept []keptPlace
	var held map[string]stored
	for after := max(r.at.From, r.at.Left); after < r.relayed; {
		batch, through, err := r.next(after)
		if err != nil {
			return nil, &outboxError{err}
		}
		if through == 0 {
			break
		}
		if held == nil && len(batch) > 0 {
			if held, err = r.read(ctx, r.at.before(batch[0].sequence)); err != nil {
				return nil, err
			}
		}
		for _, en := range batch {
			if en.sequence <= r.relayed && r.unfit(en) == "" {
				kept = append(kept, keptPlace{en.sequence, held[en.event.ID.String()].sequence})
			}
		}
		after = through
	}
	return kept, nil
}

// leftFront returns how many of the first events have left the stream at its front:
// by their age, by its limits, or by a purge. That was meant, and they are not
// published again. Others that are missing were lost: behind one that is there and in
// its order, or where nothing has ever left. One that was published again behind newer
// ones says nothing of those around it.
func leftFront(kept []keptPlace, first uint64) int {
	if first <= 1 {
		return 0
	}
	front := len(kept)
	for i, least := len(kept)-1, uint64(math.MaxUint64); i >= 0; i-- {
		if seq := kept[i].seq; seq > 0 && seq < least {
			front, least = i, seq
		}
	}
	return front
}

// fill publishes events again that the stream has lost, by their sequences in the
// outbox.
func (r *Relay) fill(ctx context.Context, missing []uint64) (filled int, err error) {
	if len(missing) == 0 {
		return 0, nil
	}
	for after := missing[0] - 1; len(missing) > 0; {
		batch, through, err := r.next(after)
		if err != nil {
			return filled, &outboxError{err}
		}
		if through == 0 {
			break // they were let go meanwhile
		}
		after = through
		batch = slices.DeleteFunc(batch, func(en entry) bool {
			_, ok := slices.BinarySearch(missing, en.sequence)
			return !ok
		})
		for len(missing) > 0 && missing[0] <= through {
			missing = missing[1:]
		}
		if len(batch) == 0 {
			continue
		}
		n, err := r.fillBatch(ctx, batch)
		if err != nil {
			return filled, err
		}
		filled += n
	}
	return filled, nil
}

func (r *Relay) fillBatch(ctx context.Context, batch []entry) (int, error) {
	// Noted first: after a crash behind the publish nobody would know that they are
	// late on purpose.
	all := slices.Clone(r.at.Filled)
	for _, en := range batch {
		if !slices.Contains(all, en.event.ID) {
			all = append(all, en.event.ID)
		}
	}
	r.at.Filled = all[max(0, len(all)-maxFilled):]
	if err := r.moved(r.relayed); err != nil {
		return 0, err
	}
	n, err := r.send(ctx, batch)
	if err != nil {
		return 0, err
	}
	// A crash here finds them behind the place.
	return n, r.moved(r.relayed)
}

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
