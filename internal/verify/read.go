package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// readBatch is how many messages are asked for at once, and readTimeout bounds
	// the wait for them.
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
	for seen, done := uint64(0), uint64(0); done < all && seen < last; {
		n, err := fetch(ctx, c, min(all-done, readBatch), func(sequence uint64, m jetstream.Msg) {
			if seen = sequence; sequence <= last {
				each(sequence, m)
			}
		})
		if err != nil {
			return fmt.Errorf("after message %d of %d: %w", seen, last, err)
		}
		if n == 0 {
			return nil // the rest has left the stream meanwhile
		}
		done += n
		progress(done, all)
	}
	return nil
}

// fetch reads up to n messages and returns how many; none is an error unless
// there are none any more.
func fetch(
	ctx context.Context, c jetstream.Consumer, n uint64, each func(uint64, jetstream.Msg),
) (got uint64, err error) {
	wait, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	batch, err := c.Fetch(int(n), jetstream.FetchContext(wait)) //nolint:gosec // readBatch at most
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
	if got > 0 {
		return got, nil
	}
	info, err := c.Info(ctx)
	if err != nil || info.NumPending > 0 {
		return 0, fmt.Errorf("no message came: %w", errors.Join(err, batch.Error(), wait.Err()))
	}
	return 0, nil
}
