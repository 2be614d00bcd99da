package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

var errNotOpen = errors.New("the stream has not been reached yet")

// ErrOlderState says that the stream holds events of the state of which the state
// itself knows nothing. It is a copy of before; to go on with it would use ids
// again, and lose events.
var ErrOlderState = errors.New("the state is older than the stream")

// stored is where in the stream an event of ours is, and the time in its header: of
// two events that an older state gave one id, that is not the same.
type stored struct {
	sequence uint64
	time     string
}

// resume asks the stream which of the outbox's events it holds. It is called
// at the start, and whenever the outcome of a publish is not known: the
// server's own memory of ids is shorter than an outage can be.
func (r *Relay) resume(ctx context.Context) error {
	info, err := r.o.Stream.Open(ctx)
	if err != nil {
		return err
	}
	r.info = info
	if err := r.place(ctx); err != nil {
		return err
	}
	held, err := r.read(ctx, r.at.Behind)
	if err != nil {
		return err
	}
	if err := r.checkKnown(held); err != nil {
		return err
	}
	r.newest, r.foreign = r.at.at, 0
	if len(held) == 0 {
		r.foreign = info.Last
	}
	r.held, r.open = held, true
	return nil
}

// place finds where in the stream all lies that it may hold of what waits. What is
// kept waits again where it has lost it.
func (r *Relay) place(ctx context.Context) error {
	if r.at.Stream != r.info.Name {
		return r.placeAnew()
	}
	lost, err := r.lost(ctx)
	if err != nil || !lost {
		return err
	}
	now := position{
		Stream: r.info.Name, Created: r.info.Created.UTC(), From: r.at.From, Left: r.at.Left, Filled: r.at.Filled,
	}
	var relayed uint64
	if now.Created.Equal(r.at.Created) {
		now.Origin = min(r.at.Origin, r.info.Last)
		relayed, err = r.lostEnd(ctx, &now)
	} else {
		relayed, err = r.tooOld(max(now.From, now.Left))
	}
	if err != nil {
		return err
	}
	// A crash here, after it was kept, goes on from there.
	if err := r.o.Outbox.Relayed(relayed, now.encode()); err != nil {
		return err
	}
	r.o.Log.Error("the stream has lost what it held; what is kept of it is published again",
		"stream", now.Stream, "created", now.Created, "was_at", r.at.Seq, "is_at", r.info.Last)
	r.at, r.relayed = now, relayed
	return nil
}

// placeAnew begins with a stream that this store never published to. The place is
// kept before it does, so that a stream that others fill need never be read from its
// start.
func (r *Relay) placeAnew() error {
	if r.at.Stream != "" {
		r.o.Log.Warn("the stream is another one than before; what that holds is not published again",
			"stream", r.info.Name, "before", r.at.Stream)
	}
	now := position{
		Stream: r.info.Name, Created: r.info.Created.UTC(),
		Behind: r.info.Last, Origin: r.info.Last, From: r.relayed,
	}
	if err := r.o.Outbox.Relayed(r.relayed, now.encode()); err != nil {
		return err
	}
	r.at = now
	return nil
}

// lost says whether the stream was made again, or has lost its end, as in a power
// cut of a server that does not sync always.
func (r *Relay) lost(ctx context.Context) (bool, error) {
	switch {
	case !r.at.Created.Equal(r.info.Created), r.at.Seq > r.info.Last:
		return true, nil
	case r.at.ID == "" || r.at.Seq < r.info.First:
		return false, nil // nothing is known of what was there
	}
	// Others may have filled it again since.
	another := false
	err := r.o.Stream.Read(ctx, r.at.Seq-1, r.at.Seq, func(m Stored) {
		another = another || m.Sequence == r.at.Seq && m.ID != r.at.ID
	})
	if err != nil {
		return false, fmt.Errorf("stream %s: read what it holds: %w", r.info.Name, err)
	}
	return another, nil
}

// lostEnd returns up to where the outbox was relayed to a stream that has lost its
// end: what left it at its front does not come back.
func (r *Relay) lostEnd(ctx context.Context, now *position) (uint64, error) {
	for _, m := range r.at.Marks {
		switch {
		case m.Seq < r.info.First:
			now.Left = max(now.Left, m.Out)
			fallthrough
		case m.Seq <= r.info.Last:
			now.Marks = append(now.Marks, m)
		}
	}
	r.at.Left, r.at.Marks = now.Left, now.Marks // which hold in any case
	kept, err := r.places(ctx)
	if err != nil {
		return 0, err
	}
	// Where none of it is there, nothing says that it left.
	if n := leftFront(kept, r.info.First); n > 0 && n < len(kept) {
		now.Left = max(now.Left, kept[n-1].out)
	}
	return max(now.From, now.Left), nil
}

// tooOld returns the sequence in the outbox, that given or one behind it, up to which
// events are so old that they would have left the stream by now.
func (r *Relay) tooOld(after uint64) (uint64, error) {
	if r.info.MaxAge <= 0 {
		return after, nil
	}
	since := time.Now().Add(-r.info.MaxAge)
	for {
		batch, through, err := r.next(after)
		if err != nil {
			return 0, &outboxError{err}
		}
		i := slices.IndexFunc(batch, func(en entry) bool { return en.sequence > r.relayed || en.event.Time.After(since) })
		switch {
		case i >= 0:
			return batch[i].sequence - 1, nil
		case through == 0 || through >= r.relayed:
			return max(after, min(through, r.relayed)), nil
		}
		after = through
	}
}

// read returns which events of ours the stream holds behind a sequence.
func (r *Relay) read(ctx context.Context, after uint64) (map[string]stored, error) {
	held := map[string]stored{}
	err := r.o.Stream.Read(ctx, after, r.info.Last, func(m Stored) {
		if store, _, _ := strings.Cut(m.ID, "."); store == r.o.Store || slices.Contains(r.o.Former, store) {
			held[m.ID] = stored{m.Sequence, m.Time}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: read what it holds: %w", r.info.Name, err)
	}
	return held, nil
}

// checkKnown makes sure that the state knows of the events which the stream holds
// behind the place. If it does not, it is a copy from before they were made.
func (r *Relay) checkKnown(held map[string]stored) error {
	if r.o.Known == nil {
		return nil
	}
	for text := range held {
		id, err := event.ParseID(text)
		if err != nil || id.Store != r.o.Store {
			continue
		}
		known, err := r.o.Known(id)
		if err != nil {
			return &outboxError{err}
		}
		if !known {
			return r.older(id)
		}
	}
	return nil
}

func (r *Relay) older(id event.ID) error {
	return fmt.Errorf("%w: stream %s holds an event that it does not know (%s), so it is a copy from before; "+
		"go on with it by notifier restore, or with the newest one", ErrOlderState, r.info.Name, id.Redacted())
}
