package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
)

var errNotPrepared = errors.New("the stream has not been reached yet")

// scanBatch is how many messages are asked for at once while the stream is read,
// and scanTimeout bounds the wait for them.
const (
	scanBatch   = 500
	scanTimeout = 10 * time.Second
)

// position is where in the stream the newest event that left the outbox was
// stored. All that the stream may hold of the outbox lies behind it.
type position struct {
	Stream  string    `json:"stream"`
	Created time.Time `json:"created"` // of the stream: a new one counts from 1 again
	Seq     uint64    `json:"seq"`
}

func (p position) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // a string, a time of the server and a number
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
	s, err := r.o.Prepare(ctx)
	if err != nil {
		return err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	name, created, last := info.Config.Name, info.Created.UTC(), info.State.LastSeq
	switch {
	case r.at.Stream == "":
		// This store has never published. The place is kept before it does,
		// so that a stream that others fill need never be read from its start.
		first := position{Stream: name, Created: created, Seq: last}
		if err := r.o.Outbox.Relayed(0, first.encode()); err != nil {
			return err
		}
		r.at = first
	case r.at.Stream != name || !r.at.Created.Equal(created) || r.at.Seq > last:
		// Another stream, or this one made again: the place means nothing.
		r.o.Log.Warn("the stream is not the one of before; what that held is not published again",
			"stream", name, "created", created, "events_in_it", info.State.Msgs)
		r.at = position{Stream: name, Created: created}
	}
	held, err := scan(ctx, s, r.at.Seq, last, r.o.Store+".")
	if err != nil {
		return fmt.Errorf("stream %s: read what it holds: %w", name, err)
	}
	if len(held) == 0 {
		r.at.Seq = last // nothing of ours lies before that
	}
	r.limit = r.o.JetStream.Conn().MaxPayload()
	if most := int64(info.Config.MaxMsgSize); most > 0 {
		r.limit = min(r.limit, most)
	}
	r.held, r.atomic, r.stream = held, info.Config.AllowAtomicPublish, s
	return nil
}

// scan returns the ids that begin with prefix of the messages after a place,
// up to last, and where they are. Of our own events these are at most the ones
// that were under way when something failed.
//
// It makes a consumer of its own: an ordered one of the library tries for ever
// when the server goes away meanwhile, whatever the context says.
func scan(ctx context.Context, s jetstream.Stream, after, last uint64, prefix string) (map[string]uint64, error) {
	held := map[string]uint64{}
	if after >= last {
		return held, nil
	}
	c, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Description:       "What the relay published before",
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       after + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		HeadersOnly:       true,
		InactiveThreshold: time.Minute,
		MemoryStorage:     true,
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.DeleteConsumer(ctx, c.CachedInfo().Name) }() // or it goes by itself
	seen := after
	for left := c.CachedInfo().NumPending; left > 0 && seen < last; {
		n, err := fetchScan(ctx, c, min(left, scanBatch), func(seq uint64, id string) {
			seen = seq
			if strings.HasPrefix(id, prefix) {
				held[id] = seq
			}
		})
		if err != nil {
			return nil, err
		}
		left -= n
	}
	if seen < last {
		// Either what was last has left the stream, or this sight of it lags.
		_, err := s.GetMsg(ctx, last)
		switch {
		case err == nil:
			return nil, fmt.Errorf("it was read up to %d of %d only", seen, last)
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			return nil, fmt.Errorf("it was read up to %d of %d only: message %d: %w", seen, last, last, err)
		}
	}
	return held, nil
}

// fetchScan reads up to n messages, at least one, and returns how many.
func fetchScan(ctx context.Context, c jetstream.Consumer, n uint64, each func(uint64, string)) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, scanTimeout)
	defer cancel()
	batch, err := c.Fetch(int(n), jetstream.FetchContext(ctx)) //nolint:gosec // scanBatch at most
	if err != nil {
		return 0, err
	}
	var got uint64
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return 0, err
		}
		got++
		each(meta.Sequence.Stream, m.Headers().Get(event.HeaderID))
	}
	if got == 0 {
		return 0, fmt.Errorf("no message came: %w", errors.Join(batch.Error(), ctx.Err()))
	}
	return got, nil
}
