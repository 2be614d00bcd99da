package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// consumerName has the id that the store had first: a state that was restored goes
// on where the one before it was.
func (d *Delivery) consumerName() string {
	first := d.o.Store
	if len(d.o.Former) > 0 {
		first = d.o.Former[0]
	}
	return "notifier-" + d.o.Sink.Name() + "-" + first
}

// consumer returns the sink's consumer, made if there is none, and when the
// stream that it reads was made.
func (d *Delivery) consumer(ctx context.Context) (jetstream.Consumer, time.Time, error) {
	// Asked anew each time: a consumer is often gone because its stream is.
	s, err := d.o.JetStream.Stream(ctx, d.o.Stream)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("stream %s: %w", d.o.Stream, err)
	}
	info := s.CachedInfo()
	at, err := d.keeper.locate(info)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("keep where the sink starts: %w", err)
	}
	c, err := d.existing(ctx, at, info.State.LastSeq)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		c, err = d.create(ctx, at, info)
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("consumer %s of stream %s: %w", d.consumerName(), d.o.Stream, err)
	}
	return c, info.Created, nil
}

// existing returns the consumer that is there, with our settings. One that would
// skip events is deleted, and not found then.
func (d *Delivery) existing(ctx context.Context, at place, last uint64) (jetstream.Consumer, error) {
	c, err := d.o.JetStream.Consumer(ctx, d.o.Stream, d.consumerName())
	if err != nil {
		return nil, err
	}
	have := c.CachedInfo().Config
	switch {
	case at.skips(c.CachedInfo(), last):
		d.o.Log.Warn("the sink's consumer is made again: it would skip events",
			"start", have.OptStartSeq, "place", at.Next, "stream_end", last)
		// A crash behind this leaves no consumer; it is made from the place.
		if err := d.o.JetStream.DeleteConsumer(ctx, d.o.Stream, d.consumerName()); err != nil {
			return nil, err
		}
		return nil, jetstream.ErrConsumerNotFound
	case have.FilterSubject != d.o.Subject || have.MaxAckPending != d.o.window() || have.AckWait != d.o.AckWait:
		// What it has delivered under the settings of before stays under way.
		have.FilterSubject, have.MaxAckPending, have.AckWait = d.o.Subject, d.o.window(), d.o.AckWait
		return d.o.JetStream.UpdateConsumer(ctx, d.o.Stream, have)
	}
	return c, nil
}

// create makes the consumer, in the stream that the place is of.
func (d *Delivery) create(ctx context.Context, at place, info *jetstream.StreamInfo) (jetstream.Consumer, error) {
	config := jetstream.ConsumerConfig{
		Durable:       d.consumerName(),
		Description:   "Delivery to " + d.o.Sink.Name(),
		FilterSubject: d.o.Subject,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       d.o.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: d.o.window(),
	}
	at.consumer(&config, info.State.LastSeq)
	if err := d.keeper.keep(); err != nil {
		return nil, err
	}
	c, err := d.o.JetStream.CreateConsumer(ctx, d.o.Stream, config)
	if err != nil {
		return nil, err
	}
	// Streams go by name. Was this one made again meanwhile, the consumer may
	// begin too far behind; it is not used, and the next look finds it out. So
	// it does after a crash here: nothing was delivered yet.
	s, err := d.o.JetStream.Stream(ctx, d.o.Stream)
	if err != nil {
		return nil, err
	}
	if !s.CachedInfo().Created.Equal(info.Created) {
		return nil, errors.New("the stream was made again meanwhile")
	}
	return c, nil
}
