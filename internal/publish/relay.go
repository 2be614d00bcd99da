package publish

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/crashpoint"
)

const (
	// batchEvents and batchBytes bound what is published and synced at once;
	// 1,000 is the server's own limit of an atomic batch.
	batchEvents = 1000
	batchBytes  = 4 << 20
	// singleEvents takes the place of batchEvents where events go one by one,
	// so that what is stored also leaves the outbox now and then.
	singleEvents = 100
	// maxSubject bounds a subject, in bytes; the server cuts the connection of
	// a client whose subject and reply pass 4,096.
	maxSubject = 2048
	// lateAttempts is how often publishing may fail once the end was asked
	// for: a server that is away now will not be back within seconds.
	lateAttempts = 3
	// publishTimeout bounds one attempt to publish.
	publishTimeout = 10 * time.Second
)

// Outbox is where committed events wait for the stream.
type Outbox interface {
	// Outbox calls each with the oldest events, in the order of their
	// sequence: up to limit, and up to maxBytes of data but at least one.
	Outbox(limit, maxBytes int, each func(sequence uint64, e event.Event)) error
	// Relayed forgets the events up to sequence and keeps the note.
	Relayed(sequence uint64, note []byte) error
	// ParkRelayed parks the oldest event, which can never be published.
	ParkRelayed(sequence uint64, reason string, at time.Time) error
}

// RelayOptions configures a Relay.
type RelayOptions struct {
	Outbox Outbox
	// Store is the id of the outbox's store, the first part of event ids.
	Store string
	// Note is what the newest Relayed kept, nil at first.
	Note []byte
	// Wake receives after events were committed.
	Wake <-chan struct{}
	// JetStream is the connection to publish through. It must not hold
	// messages back while disconnected (nats.ReconnectBufSize(-1)): they
	// would reach the stream after it was asked what it holds.
	JetStream jetstream.JetStream
	// Prepare makes the stream ready, and keeps where the sinks start that
	// must not miss its first event. It is called before publishing starts and
	// again after each failure.
	Prepare func(ctx context.Context) (jetstream.Stream, error)
	// Prefix is the first token or tokens of every subject.
	Prefix string
	// Damaged says whether an error of Outbox or Prepare is that the state is
	// damaged, which ends the relay; others are tried again. With nil all are.
	Damaged func(error) bool
	Log     *slog.Logger
}

// Relay takes events from the outbox to the stream, in order, each stored
// once. Events of several stores may share a stream.
type Relay struct {
	o         RelayOptions
	trouble   trouble
	connected chan nats.Status // receives when the connection is back

	// What is known of the stream while all goes well; stream is nil when it
	// has to be asked (again) what it holds.
	stream jetstream.Stream
	atomic bool  // it takes batches that are stored whole or not at all
	limit  int64 // of a message, in bytes
	at     position
	held   map[string]uint64 // ids of events behind the position, and where

	mu    sync.Mutex
	ready error
}

// NewRelay returns a Relay that has not started.
func NewRelay(o RelayOptions) (*Relay, error) {
	at, err := decodePosition(o.Note)
	if err != nil {
		return nil, err
	}
	return &Relay{
		o: o, at: at, ready: errNotPrepared,
		trouble: trouble{log: o.Log, what: "events cannot be published; they wait in the state"},
	}, nil
}

// Ready returns nil while the stream takes events, and why not otherwise.
func (r *Relay) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready
}

func (r *Relay) setReady(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = err
}

// Run publishes until ctx ends and the outbox is empty; it gives up what is
// left when hard ends, or when a few attempts after ctx have failed. Whoever
// commits must have ended before ctx does. Its error is that the state is
// damaged, or cannot be read.
func (r *Relay) Run(ctx, hard context.Context) error {
	r.connected = r.o.JetStream.Conn().StatusChanged(nats.CONNECTED)
	defer r.o.JetStream.Conn().RemoveStatusListener(r.connected)
	for late := 0; hard.Err() == nil && late < lateAttempts; {
		last := ctx.Err() != nil // before the look at the outbox
		n, err := r.runOnce(hard)
		if isOutboxError(err) || err != nil && r.o.Damaged != nil && r.o.Damaged(err) {
			return err
		}
		if err != nil {
			if last {
				late++
			}
			r.failed(ctx, hard, err)
			continue
		}
		r.trouble.over()
		r.setReady(nil)
		if n > 0 {
			continue
		}
		if last {
			break
		}
		select {
		case <-ctx.Done(): // and one more look at the outbox
		case <-r.o.Wake:
		}
	}
	return nil
}

// failed makes the next round ask what the stream holds: whether it stored what
// was sent is not known. It waits before that, but not longer than until the
// connection is back or ctx ends.
func (r *Relay) failed(ctx, hard context.Context, err error) {
	if hard.Err() != nil {
		return // given up, not failed
	}
	r.stream = nil
	r.setReady(err)
	wait := r.trouble.failed(err)
	if ctx.Err() != nil {
		pause(hard, min(wait, firstPause), nil)
		return
	}
	pause(ctx, wait, r.connected)
}

// runOnce publishes what waits in the outbox, up to a bound, and returns how
// many events left it.
func (r *Relay) runOnce(ctx context.Context) (int, error) {
	if r.stream == nil {
		if err := r.resume(ctx); err != nil {
			return 0, err
		}
	}
	var batch []entry
	limit := singleEvents
	if r.atomic {
		limit = batchEvents
	}
	err := r.o.Outbox.Outbox(limit, batchBytes, func(sequence uint64, e event.Event) {
		batch = append(batch, entry{sequence, e})
	})
	if err != nil {
		return 0, &outboxError{err}
	}
	if len(batch) == 0 {
		return 0, nil
	}
	for i, en := range batch {
		why := unfit(en.event.Message(r.o.Prefix), r.limit)
		if why == "" {
			continue
		}
		if i > 0 {
			batch = batch[:i] // it is the first next time
			break
		}
		r.o.Log.Error("event parked: it can never be published", "id", en.event.ID.Redacted(), "reason", why)
		return 1, r.o.Outbox.ParkRelayed(en.sequence, why, time.Now().UTC())
	}
	// A crash here, before the ack, leaves the events in the outbox: they are
	// sent again with the same ids, unless the stream is found to hold them.
	crashpoint.Here(crashpoint.RelayPublish)
	next, err := r.publish(ctx, batch)
	if err != nil {
		return 0, err
	}
	// A crash here leaves events in the outbox that the stream holds; resume
	// finds them behind the old position.
	crashpoint.Here(crashpoint.RelayAcked)
	if err := r.o.Outbox.Relayed(batch[len(batch)-1].sequence, next.encode()); err != nil {
		return 0, err
	}
	crashpoint.Here(crashpoint.RelayLeft)
	r.at = next
	return len(batch), nil
}

type entry struct {
	sequence uint64
	event    event.Event
}

// unfit says why a message can never be published, "" if it can.
func unfit(m event.Message, limit int64) string {
	if len(m.Subject) > maxSubject {
		return fmt.Sprintf("its subject has %d bytes, more than %d", len(m.Subject), maxSubject)
	}
	// Headers count as payload; a batch adds a few more.
	const batchHeaders = 256
	if size := int64(natsMsg(m).Size() + batchHeaders); size > limit {
		return fmt.Sprintf("it has about %d bytes, more than the %d that the server or the stream allows", size, limit)
	}
	return ""
}

func natsMsg(m event.Message) *nats.Msg {
	return &nats.Msg{Subject: m.Subject, Header: nats.Header(m.Header), Data: m.Data}
}

type outboxError struct{ error }

func (e *outboxError) Unwrap() error { return e.error }
