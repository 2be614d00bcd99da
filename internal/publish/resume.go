package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

var errNotOpen = errors.New("the stream has not been reached yet")

// ErrOlderState says that the stream holds events of the state of which the state
// itself knows nothing. It is a copy of before; to go on with it would use ids
// again, and lose events.
var ErrOlderState = errors.New("the state is older than the stream")

// position is where the relay is in the stream.
type position struct {
	Stream  string    `json:"stream"`
	Created time.Time `json:"created"` // of the stream: a new one counts from 1 again
	// Behind this sequence lies all that the stream may hold of what waits.
	Behind uint64 `json:"behind"`
	// Where the newest event is that was relayed: if it is not there, the stream
	// has lost it.
	at
	// From is the sequence in the outbox after which events go to this stream;
	// those before went to one of another name.
	From uint64 `json:"from,omitempty"`
}

// at is a place in the stream.
type at struct {
	Seq uint64 `json:"seq"`
	// ID is of the event of ours that is stored there, empty where none is.
	ID string `json:"id,omitempty"`
}

func (p position) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // a string, a time of the server and numbers
	}
	return b
}

func decodePosition(note []byte) (position, error) {
	var p position
	if len(note) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(note, &p); err != nil {
		return p, fmt.Errorf("the relay's position: %w", err)
	}
	return p, nil
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
	held, err := r.read(ctx, Start{After: r.at.Behind})
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

// place finds where in the stream all lies that it may hold of what waits. All that
// is kept waits again where it has lost what it held.
func (r *Relay) place(ctx context.Context) error {
	name, created := r.info.Name, r.info.Created.UTC()
	now, relayed := position{Stream: name, Created: created, From: r.at.From}, r.at.From
	if r.at.Stream != name {
		if r.at.Stream != "" {
			r.o.Log.Warn("the stream is another one than before; what that holds is not published again",
				"stream", name, "before", r.at.Stream)
		}
		// What this store published before went elsewhere. The place is kept before
		// it publishes, so that a stream that others fill need never be read from
		// its start.
		now.Behind, now.From, relayed = r.info.Last, r.relayed, r.relayed
	} else {
		lost, err := r.lost(ctx)
		if err != nil || !lost {
			return err
		}
		r.o.Log.Error("the stream has lost what it held; what is kept of it is published again",
			"stream", name, "created", created, "was_at", r.at.Seq, "is_at", r.info.Last)
	}
	// A crash here, after it was kept, goes on from there.
	if err := r.o.Outbox.Relayed(relayed, now.encode()); err != nil {
		return err
	}
	r.at, r.relayed = now, relayed
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
	err := r.o.Stream.Read(ctx, Start{After: r.at.Seq - 1}, r.at.Seq, func(seq uint64, id string) {
		another = another || seq == r.at.Seq && id != r.at.ID
	})
	if err != nil {
		return false, fmt.Errorf("stream %s: read what it holds: %w", r.info.Name, err)
	}
	return another, nil
}

// read returns where in the stream events of ours are.
func (r *Relay) read(ctx context.Context, from Start) (map[string]uint64, error) {
	held := map[string]uint64{}
	err := r.o.Stream.Read(ctx, from, r.info.Last, func(seq uint64, id string) {
		store, _, _ := strings.Cut(id, ".")
		if r.ours(store) {
			held[id] = seq
		}
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: read what it holds: %w", r.info.Name, err)
	}
	return held, nil
}

func (r *Relay) ours(store string) bool {
	if store == r.o.Store {
		return true
	}
	for _, former := range r.o.Former {
		if store == former {
			return true
		}
	}
	return false
}

// checkKnown makes sure that the outbox has the events which the stream holds
// behind the place: after a crash these were under way. Were it not so, then the
// state would be a copy from before they were made.
func (r *Relay) checkKnown(held map[string]uint64) error {
	if r.at.Behind == 0 {
		return nil // all of it was read, also what is not kept any more
	}
	unknown := map[string]bool{}
	for id := range held {
		if strings.HasPrefix(id, r.o.Store+".") {
			unknown[id] = true
		}
	}
	// Those that wait first: hardly ever is it another one.
	for _, after := range []uint64{r.relayed, 0} {
		for len(unknown) > 0 {
			through, err := r.o.Outbox.Events(after, r.info.Batch, batchBytes, func(_ uint64, e event.Event) {
				delete(unknown, e.ID.String())
			})
			if err != nil {
				return &outboxError{err}
			}
			if through == 0 {
				break
			}
			after = through
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("%w: stream %s holds %d events of it that it does not know, so it is a copy from before; "+
			"go on with it by notifier restore, or with the newest one", ErrOlderState, r.info.Name, len(unknown))
	}
	return nil
}
