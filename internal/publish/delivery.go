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
	"github.com/syllable-notifier/notifier/internal/crashpoint"
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
	// Places keeps where the consumer starts if it has to be made.
	Places Places
	// Park keeps an event that the sink will never take.
	Park func(sink, reason string, e event.Event) error
	// Damaged says whether an error of Places or Park is that the state is
	// damaged, which ends the delivery; others are tried again. With nil all
	// are.
	Damaged func(error) bool
	Log     *slog.Logger
}

// Delivery hands the events of a stream to a sink: one at a time, in the order
// of the stream, each acknowledged only when the sink has taken it. Its place
// is kept by the stream, in a durable consumer named after sink and store, and
// by Places in case that the consumer has to be made.
type Delivery struct {
	o        DeliveryOptions
	trouble  trouble
	keeper   keeper
	taken    string // id of the newest event that the sink took
	once     sync.Once
	prepared chan struct{} // closed once it is known where to start
}

// NewDelivery returns a Delivery that has not started.
func NewDelivery(o DeliveryOptions) *Delivery {
	o.Log = o.Log.With("sink", o.Sink.Name())
	return &Delivery{
		o: o, prepared: make(chan struct{}),
		trouble: trouble{log: o.Log, what: "events cannot be delivered; they wait in the stream"},
		keeper:  keeper{places: o.Places, sink: o.Sink.Name(), stream: o.Stream, log: o.Log},
	}
}

// Name returns the sink's name.
func (d *Delivery) Name() string { return d.o.Sink.Name() }

// Trouble returns why nothing can be delivered now, empty if all is well.
func (d *Delivery) Trouble() string { return d.trouble.current() }

// Lag returns how many events in the stream are still to be delivered, those of
// other stores included.
func (d *Delivery) Lag(ctx context.Context) (uint64, error) {
	c, err := d.o.JetStream.Consumer(ctx, d.o.Stream, d.consumerName())
	if err != nil {
		return 0, fmt.Errorf("consumer %s of stream %s: %w", d.consumerName(), d.o.Stream, err)
	}
	i := c.CachedInfo()
	return i.NumPending + uint64(i.NumAckPending), nil //nolint:gosec // not negative
}

// Prepare keeps the place from which on events are the sink's, and lets Run
// begin. s has just been asked for. It has to be called before the first event
// is published, and again whenever the stream may have been made anew: what is
// published after an error may never reach the sink. A new sink starts with
// what comes next.
func (d *Delivery) Prepare(s jetstream.Stream) error {
	if _, err := d.keeper.locate(s.CachedInfo()); err != nil {
		return fmt.Errorf("keep where a sink starts: %w", err)
	}
	d.once.Do(func() { close(d.prepared) })
	return nil
}

// Run delivers until ctx ends. The attempt in hand then goes on until it is
// finished or hard ends; an event that is not settled is delivered again after
// a restart. Its error is that the state is damaged.
func (d *Delivery) Run(ctx, hard context.Context) error {
	select {
	case <-ctx.Done():
	case <-d.prepared:
	}
	for ctx.Err() == nil {
		err := d.consume(ctx, hard)
		if d.damaged(err) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			pause(ctx, d.trouble.failed(err), nil)
		}
	}
	return d.noted(d.keeper.keep())
}

func (d *Delivery) damaged(err error) bool {
	return err != nil && d.o.Damaged != nil && d.o.Damaged(err)
}

// noted returns what is wrong with the state. That a place is not kept is none
// of it: the one of before repeats more, should the consumer be lost.
func (d *Delivery) noted(err error) error {
	if err == nil || d.damaged(err) {
		return err
	}
	d.o.Log.Warn("the place of a sink is not kept; it is tried again", "error", err)
	return nil
}

// consume takes events as they come until ctx ends, something fails, or the
// stream turns out to be another one.
func (d *Delivery) consume(ctx, hard context.Context) error {
	c, created, err := d.consumer(ctx)
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
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("consumer %s: %w", d.consumerName(), err)
		}
		if err := d.settle(ctx, hard, m, meta); err != nil {
			return err
		}
		same, err := d.keeper.passed(created, meta)
		if err = d.noted(err); err != nil || !same {
			return err
		}
	}
}

// settle has one event delivered or parked, and acknowledges it.
func (d *Delivery) settle(ctx, hard context.Context, m jetstream.Msg, meta *jetstream.MsgMetadata) error {
	e, err := event.Decode(m.Headers(), m.Data())
	if err != nil {
		// Not an event of ours, so nothing that could be delivered later. What
		// is wrong quotes the message, which may hold a number: it is not told.
		d.o.Log.Error("a message in the stream is not an event and is passed over",
			"stream", meta.Stream, "stream_sequence", meta.Sequence.Stream)
		return m.TermWithReason("not an event")
	}
	if e.ID.Store == d.o.Store {
		if err := d.insist(ctx, hard, m, e); err != nil {
			// Given back, so that it comes at once after a restart.
			return errors.Join(err, m.Nak())
		}
	}
	crashpoint.Here(crashpoint.SinkDelivered)
	// A crash here delivers the event again after a restart, with the same id.
	if err := m.DoubleAck(hard); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		return fmt.Errorf("acknowledge %s: %w", e.ID.Redacted(), err)
	}
	return nil
}

// insist delivers or parks an event, trying for as long as it takes; it gives up
// when ctx ends or the state is damaged.
func (d *Delivery) insist(ctx, hard context.Context, m jetstream.Msg, e event.Event) error {
	for {
		err := d.attempt(hard, m, e)
		if err == nil {
			d.taken = e.ID.String()
			d.trouble.over()
			return nil
		}
		if IsPermanent(err) {
			d.o.Log.Error("event parked: it can never be delivered", "id", e.ID.Redacted(), "error", err)
			// A crash between this and the acknowledgement parks it twice.
			err = d.o.Park(d.o.Sink.Name(), err.Error(), e)
			if err == nil || d.damaged(err) {
				return err
			}
		}
		if ctx.Err() == nil {
			d.wait(ctx, m, d.trouble.failed(err))
		}
		if ctx.Err() != nil {
			return ctx.Err()
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
