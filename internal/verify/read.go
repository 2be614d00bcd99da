package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// readBatch is how many messages are asked for at once, and readTimeout bounds
	// the wait for the next of them.
	readBatch   = 250
	readTimeout = 10 * time.Second
	// forgetAfter is when the server lets a consumer go that nobody asks.
	forgetAfter = time.Minute
)

// read calls each with the messages on a subject, up to the sequence last, and
// progress with how many of how many were read.
//
// It makes a consumer of its own: an ordered one of the library tries for ever
// when the server goes away meanwhile, whatever the context says.
func read(
	ctx context.Context, s jetstream.Stream, subject string, last uint64, progress func(read, of uint64),
	each func(sequence uint64, m jetstream.Msg),
) error {
	c, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Description:       "Verification of a batch",
		FilterSubject:     subject,
		DeliverPolicy:     jetstream.DeliverAllPolicy,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: forgetAfter,
		MemoryStorage:     true,
	})
	if err != nil {
		return fmt.Errorf("make a consumer: %w", err)
	}
	defer func() { // or it goes by itself
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		_ = s.DeleteConsumer(ctx, c.CachedInfo().Name)
	}()
	all := c.CachedInfo().NumPending
	idle := time.Now()
	for seen, done := uint64(0), uint64(0); done < all && seen < last; {
		n, err := fetch(c, min(all-done, readBatch), func(sequence uint64, m jetstream.Msg) {
			if seen = sequence; sequence <= last {
				each(sequence, m)
			}
		})
		if err == nil && n == 0 {
			var left bool
			if left, err = pending(ctx, c); !left && err == nil {
				return nil // the rest has left the stream, or cannot be read
			}
			if err == nil && time.Since(idle) > readTimeout {
				err = errSilent
			}
		}
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return fmt.Errorf("after message %d of %d: %w", seen, last, err)
		}
		if n > 0 {
			idle = time.Now()
			done += n
			progress(done, all)
		}
	}
	return nil
}

var errSilent = errors.New("the server has more messages and does not send them")

// fetch reads up to n messages, as far as the server has them at hand, and returns
// how many. To wait for as many as there should be would be in vain where one of
// them cannot be read any more: the server passes over it in silence.
func fetch(c jetstream.Consumer, n uint64, each func(uint64, jetstream.Msg)) (got uint64, err error) {
	batch, err := c.FetchNoWait(int(n)) //nolint:gosec // readBatch at most
	if err != nil {
		return 0, err
	}
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return got, err
		}
		got++
		each(meta.Sequence.Stream, m)
	}
	return got, batch.Error()
}

// pending says whether there is something left to read.
func pending(ctx context.Context, c jetstream.Consumer) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	info, err := c.Info(ctx)
	if err != nil {
		return false, err
	}
	return info.NumPending > 0, nil
}
