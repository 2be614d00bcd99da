package publish

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
)

const (
	// defaultAckWait is how long the server waits for an acknowledgement before
	// it delivers the event again; what takes longer says so in time.
	defaultAckWait = 30 * time.Second
	// heartbeat is how often the server shows that it still waits with us for
	// an event. Two that fail to come mean that it does not: its consumer may
	// have been deleted, which it tells nobody.
	heartbeat = 2 * time.Second
	// deliverTimeout bounds one attempt to deliver.
	deliverTimeout = 20 * time.Second

	// windowOfEach is how many events are in hand for each that is delivered at
	// once, so that there are other calls to go on with, and maxWindow how many
	// in all. They are held in memory.
	windowOfEach = 16
	maxWindow    = 1000
)

// DeliveryOptions configures a Delivery.
type DeliveryOptions struct {
	Sink      Sink
	JetStream jetstream.JetStream
	Stream    string
	// Store is the id of our store, and Former are those that it had before, the
	// oldest first; events of others in the same stream are not ours to deliver.
	Store  string
	Former []string
	// Kept has the events that the stream took not long ago: when it has lost them
	// and is filled again, they are not delivered again. Nil stands for none.
	Kept Kept
	// Newest returns the id of the newest event that the stream has taken, empty for
	// none: a new sink that starts with what comes next is not told of those up to it.
	// Nil stands for none.
	Newest func() string
	// Late returns those that were published again behind newer ones, so that they
	// may not be settled although newer ones are. Nil stands for none.
	Late func() []event.ID
	// Subject is the filter of the events to deliver.
	Subject string
	// Concurrent is how many calls are delivered at once, 1 to 1,000; 0 stands
	// for 1. With 1 all events are delivered in the order of the stream, with
	// more only those of each call.
	Concurrent int
	// Since is where a sink starts that never was there before: with what was
	// stored then or later. Zero stands for what comes next. Afterwards the
	// sink's place counts.
	Since time.Time
	// AckWait is how long the server waits for an event that it has delivered
	// before it delivers it again, and so how long all waits after a crash; 0
	// stands for 30 s. It should be a second or more, but in tests.
	AckWait time.Duration
	// Places keeps where the consumer starts if it has to be made.
	Places Places
	// Park keeps an event that the sink will never take. It is called from
	// several goroutines.
	Park func(sink, reason string, e event.Event) error
	// Damaged says whether an error of Places or Park is that the state is
	// damaged, which ends the delivery; others are tried again. With nil all
	// are.
	Damaged func(error) bool
	Log     *slog.Logger
}

// ours says whether an event is of our store.
func (o DeliveryOptions) ours(id event.ID) bool {
	return id.Store == o.Store || slices.Contains(o.Former, id.Store)
}

func (o DeliveryOptions) newest() string {
	if o.Newest == nil {
		return ""
	}
	return o.Newest()
}

// Kept is where events stay for a while after the stream took them.
type Kept interface {
	// Events is that of Outbox.
	Events(after uint64, limit, maxBytes int, each func(sequence uint64, e event.Event)) (uint64, error)
}

// window is how many events may be in hand. With one, the server itself holds
// the next one back until the one before is settled.
func (o DeliveryOptions) window() int {
	if o.Concurrent == 1 {
		return 1
	}
	return min(windowOfEach*o.Concurrent, maxWindow)
}

// Delivery hands the events of a stream to a sink: those of one call one at a
// time, in the order of the stream, different calls side by side where the
// options allow it, and each acknowledged only when the sink has taken it. Its
// place is kept by the stream, in a durable consumer named after sink and store,
// and by Places in case that the consumer has to be made.
type Delivery struct {
	o        DeliveryOptions
	trouble  trouble
	keeper   keeper
	breaker  breaker // of the endpoint
	recent   *recent // events that the sink took, or that were parked
	once     sync.Once
	prepared chan struct{} // closed once it is known where to start
}

// NewDelivery returns a Delivery that has not started.
func NewDelivery(o DeliveryOptions) *Delivery {
	o.Log = o.Log.With("sink", o.Sink.Name())
	o.Concurrent = min(max(o.Concurrent, 1), maxWindow)
	if o.AckWait == 0 {
		o.AckWait = defaultAckWait
	}
	return &Delivery{
		o: o, prepared: make(chan struct{}), recent: newRecent(),
		trouble: trouble{log: o.Log, what: "events cannot be delivered; they wait in the stream"},
		keeper: keeper{
			places: o.Places, sink: o.Sink.Name(), stream: o.Stream, since: o.Since, newest: o.newest, log: o.Log,
		},
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
// published after an error may never reach the sink. A new sink starts where the
// options say.
func (d *Delivery) Prepare(s jetstream.Stream) error {
	if _, err := d.keeper.locate(s.CachedInfo()); err != nil {
		return fmt.Errorf("keep where a sink starts: %w", err)
	}
	d.once.Do(func() { close(d.prepared) })
	return nil
}

// Run delivers until ctx ends. The attempts under way then go on until they are
// finished or hard ends; what is not settled is given back to the stream, and
// delivered after a restart. Its error is that the state is damaged.
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
	settled, err := d.settledBefore()
	if err != nil {
		return err
	}
	it, err := c.Messages(jetstream.PullMaxMessages(d.o.window()), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return fmt.Errorf("consumer %s: %w", d.consumerName(), err)
	}
	return newSession(d, c, created, settled, it).run(ctx, hard)
}

// settledBefore returns the events that were settled before the stream lost what it
// held and was filled again, as far as they are kept: the others cannot come.
func (d *Delivery) settledBefore() (map[event.ID]bool, error) {
	newest := d.keeper.filled()
	if newest == "" || d.o.Kept == nil {
		return nil, nil
	}
	settled, found := map[event.ID]bool{}, false
	for after := uint64(0); !found; {
		through, err := d.o.Kept.Events(after, batchEvents, batchBytes, func(_ uint64, e event.Event) {
			if !found {
				settled[e.ID] = true
				found = e.ID.String() == newest
			}
		})
		if err != nil {
			return nil, fmt.Errorf("what was delivered before the stream was filled again: %w", err)
		}
		if through == 0 {
			return nil, nil // it is not kept, so that all that is came after it
		}
		after = through
	}
	for _, id := range d.late() {
		delete(settled, id) // better twice than never
	}
	return settled, nil
}

func (d *Delivery) late() []event.ID {
	if d.o.Late == nil {
		return nil
	}
	return d.o.Late()
}
