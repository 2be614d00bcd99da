package publish

import (
	"context"
	"fmt"

	"github.com/syllable-notifier/notifier/event"
)

// maxSubject bounds a subject, in bytes; the server cuts the connection of a
// client whose subject and reply pass 4,096.
const maxSubject = 2048

// publish stores those events of the batch that the stream does not hold, in
// order.
func (r *Relay) publish(ctx context.Context, batch []entry) error {
	var todo []entry
	passed := r.newest
	for _, en := range batch {
		id := en.event.ID.String()
		there, ok := r.held[id]
		switch {
		case !ok:
			todo = append(todo, en)
		case there.time != en.event.Message(r.o.Prefix).Header[event.HeaderTime][0]:
			return r.older(en.event.ID) // it is another event, of a newer state
		case there.sequence > passed.Seq:
			passed = at{there.sequence, id}
		}
	}
	if len(todo) > 0 {
		if _, err := r.send(ctx, todo); err != nil {
			return err
		}
	}
	for _, en := range batch {
		delete(r.held, en.event.ID.String())
	}
	if passed.Seq > r.newest.Seq {
		r.newest = passed
	}
	return nil
}

// send stores events, in order, and returns how many the server did not know.
func (r *Relay) send(ctx context.Context, todo []entry) (int, error) {
	messages := make([]event.Message, len(todo))
	for i, en := range todo {
		messages[i] = en.event.Message(r.o.Prefix)
	}
	ack, err := r.o.Stream.Publish(ctx, messages)
	if err != nil {
		return 0, fmt.Errorf("publish %d events from %s on: %w", len(todo), todo[0].event.ID.Redacted(), err)
	}
	if ack.New == 0 {
		return 0, nil
	}
	if ack.First <= r.newest.Seq {
		// The numbers of a stream grow. This one was made again since it was last
		// looked at, or lost its end: the next look finds out which.
		return 0, fmt.Errorf("publish: stream %s stored at %d what should come after %d: it has lost what it held",
			r.info.Name, ack.First, r.newest.Seq)
	}
	r.newest = at{ack.Last, todo[len(todo)-1].event.ID.String()}
	return ack.New, nil
}

// unfit says why an event can never be published, "" if it can.
func (r *Relay) unfit(en entry) string {
	m := en.event.Message(r.o.Prefix)
	if len(m.Subject) > maxSubject {
		return fmt.Sprintf("its subject has %d bytes, more than %d", len(m.Subject), maxSubject)
	}
	// Headers count as payload; a batch adds a few more.
	const batchHeaders = 256
	if size := int64(natsMsg(m).Size() + batchHeaders); size > r.info.Limit {
		return fmt.Sprintf("it has about %d bytes, more than the %d that the server or the stream allows",
			size, r.info.Limit)
	}
	return ""
}
