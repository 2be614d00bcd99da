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
	// Places keeps where the delivery is, for the case that its consumer has
	// to be made again.
	Places Places
	Log    *slog.Logger
}

// Places keeps a note for each sink over restarts.
type Places interface {
	// Place returns the note, nil at first.
	Place(sink string) ([]byte, error)
	PutPlace(sink string, note []byte) error
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
	saved time.Time // when the place was kept last, zero before it was read
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

// Prepare settles where to start, lets Run begin, and creates the consumer if
// there is none. It has to be called before the first event of interest is
// published, and again whenever the stream may have been made anew; s must have
// been asked for just now. A new consumer starts with what comes next, since a
// sink that is added to a week's stream should not repeat the week.
//
// An error says that it is not known where to start: nothing may be published
// then, or it might be passed over. That the consumer cannot be made is none:
// Run goes on trying, and misses nothing that is published meanwhile, also after
// a restart.
func (d *Delivery) Prepare(ctx context.Context, s jetstream.Stream) error {
	if err := d.settlePlace(s.CachedInfo()); err != nil {
		return fmt.Errorf("sink %s: %w", d.o.Sink.Name(), err)
	}
	d.once.Do(func() { close(d.prepared) })
	if _, _, err := d.consumer(ctx); err != nil {
		d.o.Log.Warn("a sink is not ready", "error", err)
	}
	return nil
}

// consumer returns the consumer, made if there is none, and when its stream was
// created.
func (d *Delivery) consumer(ctx context.Context) (jetstream.Consumer, time.Time, error) {
	name := d.consumerName()
	fail := func(err error) (jetstream.Consumer, time.Time, error) {
		return nil, time.Time{}, fmt.Errorf("consumer %s of stream %s: %w", name, d.o.Stream, err)
	}
	// The stream may have been deleted and made again by somebody else.
	s, err := d.o.JetStream.Stream(ctx, d.o.Stream)
	if err != nil {
		return fail(err)
	}
	info := s.CachedInfo()
	if err := d.settlePlace(info); err != nil {
		return fail(err)
	}
	c, err := s.Consumer(ctx, name)
	if err == nil && beyond(c.CachedInfo(), info) {
		// It was made for a stream of that name which is no more, and would
		// pass over all that this one holds.
		if err = s.DeleteConsumer(ctx, name); err == nil {
			err = jetstream.ErrConsumerNotFound
		}
	}
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		c, err = s.CreateConsumer(ctx, d.config())
	case err == nil && c.CachedInfo().Config.FilterSubject != d.o.Subject:
		have := c.CachedInfo().Config
		have.FilterSubject = d.o.Subject
		c, err = s.UpdateConsumer(ctx, have)
	}
	if err != nil {
		return fail(err)
	}
	return c, info.Created, nil
}

// beyond says whether a consumer starts after all that its stream holds and has
// delivered nothing.
func beyond(c *jetstream.ConsumerInfo, s *jetstream.StreamInfo) bool {
	return c.Delivered.Consumer == 0 && c.Config.OptStartSeq > s.State.LastSeq+1
}

func (d *Delivery) config() jetstream.ConsumerConfig {
	d.mu.Lock()
	defer d.mu.Unlock()
	return jetstream.ConsumerConfig{
		Durable:       d.consumerName(),
		Description:   "Delivery to " + d.o.Sink.Name(),
		FilterSubject: d.o.Subject,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   d.place.Next,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		// One event under way: the next one waits until it is settled, so
		// order holds even when an event is delivered again.
		MaxAckPending: 1,
	}
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
	if err := d.savePlace(0); err != nil {
		d.o.Log.Warn("the place in the stream is not kept; some events may be delivered again", "error", err)
	}
}

// consume takes events as they come until ctx ends or something fails.
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
		if err := d.settle(ctx, hard, m); err != nil {
			return err
		}
		if err := d.passed(m, created); err != nil {
			return err
		}
	}
}

// settle has one event delivered or parked, and acknowledges it.
func (d *Delivery) settle(ctx, hard context.Context, m jetstream.Msg) error {
	e, err := event.Decode(m.Headers(), m.Data())
	if err != nil {
		// Not an event of ours, so nothing that could be delivered later.
		// The error may quote an id, which is not for the log.
		d.o.Log.Error("a message in the stream is not an event and is passed over", "subject_kind", kindOf(m.Subject()),
			"sequence", sequenceOf(m))
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
