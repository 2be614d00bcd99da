package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/syllable-notifier/notifier/internal/crashpoint"
)

// publish stores those events of the batch that the stream does not hold, in
// order, and returns the position behind the newest of them all.
func (r *Relay) publish(ctx context.Context, batch []entry) (position, error) {
	next := r.at
	var todo []entry
	for _, en := range batch {
		if seq, ok := r.held[en.event.ID.String()]; ok {
			next.Seq = max(next.Seq, seq)
			continue
		}
		todo = append(todo, en)
	}
	if len(todo) > 0 {
		seq, err := r.send(ctx, todo)
		if err != nil {
			return next, err
		}
		next.Seq = max(next.Seq, seq)
	}
	return next, nil
}

// send publishes the events and returns where the newest was stored.
func (r *Relay) send(ctx context.Context, todo []entry) (uint64, error) {
	if r.atomic && len(todo) > 1 {
		seq, err := r.sendBatch(ctx, todo)
		if !refusesBatch(err) {
			return seq, err
		}
	}
	// One by one, and never two under way: should one fail, none of those
	// behind it may be stored before it.
	var newest uint64
	for _, en := range todo {
		ack, err := r.sendOne(ctx, en)
		if err != nil {
			return 0, fmt.Errorf("publish %s: %w", en.event.ID.Redacted(), err)
		}
		if ack.Stream != r.at.Stream {
			return 0, fmt.Errorf("publish %s: stream %s took it, not %s: their subjects overlap",
				en.event.ID.Redacted(), ack.Stream, r.at.Stream)
		}
		crashpoint.Here(crashpoint.RelayOne)
		newest = max(newest, ack.Sequence)
	}
	return newest, nil
}

func (r *Relay) sendOne(ctx context.Context, en entry) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	msg := natsMsg(en.event.Message(r.o.Prefix))
	return r.o.JetStream.PublishMsg(ctx, msg, jetstream.WithRetryAttempts(0))
}

// sendBatch stores all events, synced to the disk once, or none.
func (r *Relay) sendBatch(ctx context.Context, todo []entry) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	msgs := make([]*nats.Msg, len(todo))
	for i, en := range todo {
		msgs[i] = natsMsg(en.event.Message(r.o.Prefix))
	}
	ack, err := jetstreamext.PublishMsgBatch(ctx, r.o.JetStream, msgs)
	if err != nil {
		return 0, fmt.Errorf("publish %d events from %s on: %w", len(todo), todo[0].event.ID.Redacted(), err)
	}
	if ack.Stream != r.at.Stream {
		return 0, fmt.Errorf("publish: stream %s took the events, not %s: their subjects overlap", ack.Stream, r.at.Stream)
	}
	return ack.Sequence, nil
}

// refusesBatch says whether the server refused the batch as such, so that it
// stored none of it and the events have to go one by one.
func refusesBatch(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && slices.Contains([]jetstream.ErrorCode{
		// One of them was stored within the duplicate window already.
		jetstreamext.JSErrCodeBatchPublishDuplicateMsgID,
		jetstreamext.JSErrCodeBatchPublishNotEnabled,
		jetstreamext.JSErrCodeBatchPublishUnsupportedHeader,
		jetstreamext.JSErrCodeBatchPublishExceedsLimit,
	}, api.ErrorCode)
}
