package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
)

const (
	// ackWait is how long the server waits for an acknowledgement before it
	// delivers the event again; what takes longer says so in time.
	ackWait = 30 * time.Second
	// heartbeat is how often the server shows that it still waits with us for
	// an event. Two that fail to come mean that it does not: its consumer may
	// have been deleted, which it tells nobody.
	heartbeat = 2 * time.Second
	// deliverTimeout bounds one attempt to deliver.
	deliverTimeout = 20 * time.Second
)

// DeliveryOptions configures a Delivery.
type DeliveryOptions struct {
	Sink      Sink
	JetStream jetstream.JetStream
	Stream    string
	// Store is the id of our store; events of others in the same stream are
	// not ours to deliver.
	Store string
	// Subject is the filter of the events to deliver.
	Subject string
	// Park keeps an event that the sink will never take.
	Park func(sink, reason string, e event.Event) error
	Log  *slog.Logger
}

// Delivery hands the events of a stream to a sink: one at a time, in the order
// of the stream, each acknowledged only when the sink has taken it. Its place
// is kept by the stream, in a durable consumer named after sink and store.
type Delivery struct {
	o        DeliveryOptions
	trouble  trouble
	taken    string // id of the newest event that the sink took
	once     sync.Once
	prepared chan struct{} // closed once it is known where to start

	mu    sync.Mutex
	place place
}

// place is where the consumer starts if it has to be made.
type place struct {
	created time.Time // of the stream
	next    uint64    // sequence in the stream
}

// NewDelivery returns a Delivery that has not started.
func NewDelivery(o DeliveryOptions) *Delivery {
	log := o.Log.With("sink", o.Sink.Name())
	o.Log = log
	return &Delivery{
		o: o, prepared: make(chan struct{}),
		trouble: trouble{log: log, what: "events cannot be delivered; they wait in the stream"},
	}
}

func (d *Delivery) consumerName() string { return "notifier-" + d.o.Sink.Name() + "-" + d.o.Store }

// Prepare notes where the stream is, lets Run begin, and creates the consumer
// if there is none. It has to be called before the first event of interest is
// published, and again whenever the stream may have been made anew. A new
// consumer starts with what comes next, since a sink that is added to a week's
// stream should not repeat the week. After an error Run goes on trying, and
// misses nothing that is published meanwhile.
func (d *Delivery) Prepare(ctx context.Context, s jetstream.Stream) error {
	info, err := s.Info(ctx)
	if err != nil {
		return fmt.Errorf("stream %s: %w", d.o.Stream, err)
	}
	d.mu.Lock()
	switch {
	case d.place.created.IsZero():
		d.place = place{created: info.Created, next: info.State.LastSeq + 1}
	case !d.place.created.Equal(info.Created):
		// Made again while we run: all that it holds came after what we know.
		d.place = place{created: info.Created, next: 1}
	}
	d.mu.Unlock()
	d.once.Do(func() { close(d.prepared) })
	_, err = d.consumer(ctx)
	return err
}

func (d *Delivery) consumer(ctx context.Context) (jetstream.Consumer, error) {
	name := d.consumerName()
	c, err := d.o.JetStream.Consumer(ctx, d.o.Stream, name)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		c, err = d.o.JetStream.CreateConsumer(ctx, d.o.Stream, d.config())
	case err == nil && c.CachedInfo().Config.FilterSubject != d.o.Subject:
		have := c.CachedInfo().Config
		have.FilterSubject = d.o.Subject
		c, err = d.o.JetStream.UpdateConsumer(ctx, d.o.Stream, have)
	}
	if err != nil {
		return nil, fmt.Errorf("consumer %s of stream %s: %w", name, d.o.Stream, err)
	}
	return c, nil
}

func (d *Delivery) config() jetstream.ConsumerConfig {
	d.mu.Lock()
	defer d.mu.Unlock()
	return jetstream.ConsumerConfig{
		Durable:       d.consumerName(),
		Description:   "Delivery to " + d.o.Sink.Name(),
		FilterSubject: d.o.Subject,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   d.place.next,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		// One event under way: the next one waits until it is settled, so
		// order holds even when an event is delivered again.
		MaxAckPending: 1,
	}
}

// passed moves the place behind an event that was settled.
func (d *Delivery) passed(seq uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.place.next = max(d.place.next, seq+1)
}

// Run delivers until ctx ends. The attempt in hand then goes on until it is
// finished or hard ends; an event that is not settled is delivered again after
// a restart.
func (d *Delivery) Run(ctx, hard context.Context) {
	select {
	case <-ctx.Done():
	case <-d.prepared:
	}
	for ctx.Err() == nil {
		if err := d.consume(ctx, hard); err != nil && ctx.Err() == nil {
			pause(ctx, d.trouble.failed(err), nil)
		}
	}
}

// consume takes events as they come until ctx ends or something fails.
func (d *Delivery) consume(ctx, hard context.Context) error {
	c, err := d.consumer(ctx)
	if err != nil {
		return err
	}
	it, err := c.Messages(jetstream.PullMaxMessages(1), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return fmt.Errorf("consumer %s: %w", d.consumerName(), err)
	}
	defer it.Stop()
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("consumer %s: %w", d.consumerName(), err)
		}
		if err := d.settle(ctx, hard, m); err != nil {
			return err
		}
	}
}

// settle has one event delivered or parked, and acknowledges it.
func (d *Delivery) settle(ctx, hard context.Context, m jetstream.Msg) error {
	e, err := event.Decode(m.Headers(), m.Data())
	if err != nil {
		// Not an event of ours, so nothing that could be delivered later.
		d.o.Log.Error("a message in the stream is not an event and is passed over", "error", err)
		return m.TermWithReason("not an event")
	}
	if e.ID.Store == d.o.Store && !d.insist(ctx, hard, m, e) {
		// Given back, so that it comes at once after a restart.
		return m.Nak()
	}
	// A crash here delivers the event again after a restart, with the same id.
	if err := m.DoubleAck(hard); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		return fmt.Errorf("acknowledge %s: %w", e.ID.Redacted(), err)
	}
	if meta, err := m.Metadata(); err == nil {
		d.passed(meta.Sequence.Stream)
	}
	return nil
}

// insist delivers or parks an event, trying for as long as it takes; false says
// that ctx ended first.
func (d *Delivery) insist(ctx, hard context.Context, m jetstream.Msg, e event.Event) bool {
	for {
		err := d.attempt(hard, m, e)
		if err == nil {
			d.taken = e.ID.String()
			d.trouble.over()
			return true
		}
		if IsPermanent(err) {
			d.o.Log.Error("event parked: it can never be delivered", "id", e.ID.Redacted(), "error", err)
			// A crash between this and the acknowledgement parks it twice.
			if err = d.o.Park(d.o.Sink.Name(), err.Error(), e); err == nil {
				return true
			}
		}
		if ctx.Err() == nil {
			d.wait(ctx, m, d.trouble.failed(err))
		}
		if ctx.Err() != nil {
			return false
		}
	}
}

func (d *Delivery) attempt(ctx context.Context, m jetstream.Msg, e event.Event) error {
	if d.taken == e.ID.String() {
		return nil // it comes again because its acknowledgement was lost
	}
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	// Should it fail, the attempt is made all the same, maybe twice.
	_ = m.InProgress()
	return d.o.Sink.Deliver(ctx, e)
}

// wait keeps the event in hand while the endpoint is given time.
func (d *Delivery) wait(ctx context.Context, m jetstream.Msg, rest time.Duration) {
	for ctx.Err() == nil && rest > 0 {
		_ = m.InProgress() // see attempt
		step := min(rest, ackWait/3)
		pause(ctx, step, nil)
		rest -= step
	}
}
