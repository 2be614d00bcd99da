package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/crashpoint"
)

const (
	// batchEvents bounds how many events are published and synced at once; 1,000
	// is the server's own limit of an atomic batch.
	batchEvents = 1000
	// singleEvents takes its place where events go one by one, so that what is
	// stored is also kept as such now and then.
	singleEvents = 100
	// publishTimeout bounds one attempt to publish.
	publishTimeout = 10 * time.Second
	// readBatch is how many messages are asked for at once while the stream is
	// read, and readTimeout bounds the wait for them.
	readBatch   = 500
	readTimeout = 10 * time.Second
)

// Stream is what the Relay publishes to.
type Stream interface {
	// Open makes the stream ready and says what it is like now. It is called
	// before publishing starts and again after each failure.
	Open(ctx context.Context) (StreamInfo, error)
	// Read calls each with the messages behind a sequence up to last, in order. It
	// fails if it cannot read up to there, or some are passed over that are there.
	Read(ctx context.Context, after, last uint64, each func(Stored)) error
	// Publish stores messages, in order, and returns where. After an error any
	// number of them may be stored, from the first on. It fails where the server
	// may have restarted since Open.
	Publish(ctx context.Context, messages []event.Message) (Ack, error)
}

// StreamInfo says what a stream is like.
type StreamInfo struct {
	Name    string
	Created time.Time
	// First and Last are the sequences of its oldest and newest message.
	First, Last uint64
	// Limit is the most that a message may have, in bytes with its headers.
	Limit int64
	// Batch is how many messages should be published at once.
	Batch int
	// MaxAge is when messages leave it, 0 for never.
	MaxAge time.Duration
	// Connection changes when the connection to the server was made again.
	Connection uint64
}

// Stored is a message in the stream: the id and the time in its headers.
type Stored struct {
	Sequence uint64
	ID, Time string
}

// Ack says where messages are stored: those that are new to the server, from First to
// Last, and how many these are. Of others it remembers the ids; it does so for a while
// even where it has lost the message.
type Ack struct {
	First, Last uint64
	New         int
}

// JetStream is a Stream of a NATS server. It is not safe for concurrent use.
type JetStream struct {
	js      jetstream.JetStream
	prepare func(context.Context) (jetstream.Stream, error)
	stream  jetstream.Stream
	name    string
	atomic  bool // it takes batches that are stored whole or not at all
	// reconnects counts how often the connection had been made again at Open.
	reconnects uint64
}

// NewJetStream returns the stream that prepare makes ready, which also keeps where
// the sinks start that must not miss its first event; what it returns has just
// been asked for. The connection must not hold messages back while it is
// disconnected (nats.ReconnectBufSize(-1)): they would reach the stream after it
// was asked what it holds.
func NewJetStream(js jetstream.JetStream, prepare func(context.Context) (jetstream.Stream, error)) *JetStream {
	return &JetStream{js: js, prepare: prepare}
}

// Open implements Stream.
func (s *JetStream) Open(ctx context.Context) (StreamInfo, error) {
	s.reconnects = s.js.Conn().Stats().Reconnects
	stream, err := s.prepare(ctx)
	if err != nil {
		return StreamInfo{}, err
	}
	i := stream.CachedInfo()
	s.stream, s.name, s.atomic = stream, i.Config.Name, i.Config.AllowAtomicPublish
	info := StreamInfo{
		Name: s.name, Created: i.Created, First: i.State.FirstSeq, Last: i.State.LastSeq,
		Limit: s.js.Conn().MaxPayload(), Batch: singleEvents,
		MaxAge: i.Config.MaxAge, Connection: s.reconnects,
	}
	if most := int64(i.Config.MaxMsgSize); most > 0 {
		info.Limit = min(info.Limit, most)
	}
	if s.atomic {
		info.Batch = batchEvents
	}
	return info, nil
}

// errReconnected says that the connection was cut since the stream was looked at: a
// server that restarted may have lost its end, and nothing may come before that.
var errReconnected = errors.New("the connection to NATS was cut")

// Publish implements Stream.
func (s *JetStream) Publish(ctx context.Context, messages []event.Message) (Ack, error) {
	// What is under way when the connection ends has no answer any more.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	conn := s.js.Conn()
	lost := conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer conn.RemoveStatusListener(lost)
	go func() {
		select {
		case <-lost:
			cancel(errReconnected)
		case <-ctx.Done():
		}
	}()
	if conn.Stats().Reconnects != s.reconnects {
		return Ack{}, errReconnected
	}
	ack, err := s.publish(ctx, messages)
	if err != nil && errors.Is(context.Cause(ctx), errReconnected) {
		return Ack{}, fmt.Errorf("%w: %w", errReconnected, err)
	}
	return ack, err
}

func (s *JetStream) publish(ctx context.Context, messages []event.Message) (Ack, error) {
	if s.atomic && len(messages) > 1 {
		ack, err := s.publishBatch(ctx, messages)
		if !refusesBatch(err) {
			return ack, err
		}
	}
	// One by one, and never two under way: should one fail, none of those
	// behind it may be stored before it.
	var all Ack
	for _, m := range messages {
		ack, err := s.publishOne(ctx, m)
		crashpoint.Here(crashpoint.RelayOne)
		switch {
		case err != nil:
			return Ack{}, err
		case ack.Duplicate:
			continue
		case all.New == 0:
			all.First = ack.Sequence
		}
		all.Last, all.New = ack.Sequence, all.New+1
	}
	return all, nil
}

func (s *JetStream) publishOne(ctx context.Context, m event.Message) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, natsMsg(m), jetstream.WithRetryAttempts(0))
	if err != nil {
		return nil, err
	}
	return ack, s.took(ack.Stream)
}

// publishBatch stores all messages, synced to the disk once, or none.
func (s *JetStream) publishBatch(ctx context.Context, messages []event.Message) (Ack, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	batch := make([]*nats.Msg, len(messages))
	for i, m := range messages {
		batch[i] = natsMsg(m)
	}
	ack, err := jetstreamext.PublishMsgBatch(ctx, s.js, batch)
	if err != nil {
		return Ack{}, err
	}
	return Ack{ack.Sequence + 1 - uint64(len(batch)), ack.Sequence, len(batch)}, s.took(ack.Stream)
}

// took makes sure that the stream which took a message is this one.
func (s *JetStream) took(name string) error {
	if name == s.name {
		return nil
	}
	return fmt.Errorf("stream %s took it, not %s: their subjects overlap", name, s.name)
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

func natsMsg(m event.Message) *nats.Msg {
	return &nats.Msg{Subject: m.Subject, Header: nats.Header(m.Header), Data: m.Data}
}

// Read implements Stream. It makes a consumer of its own: an ordered one of the
// library tries for ever when the server goes away meanwhile, whatever the context
// says.
func (s *JetStream) Read(ctx context.Context, after, last uint64, each func(Stored)) error {
	if after >= last {
		return nil
	}
	config := jetstream.ConsumerConfig{
		Description:       "What the relay published before",
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       after + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		HeadersOnly:       true,
		InactiveThreshold: time.Minute,
		MemoryStorage:     true,
	}
	c, err := s.stream.CreateConsumer(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = s.stream.DeleteConsumer(ctx, c.CachedInfo().Name) }() // or it goes by itself
	seen, came := after, uint64(0)
	// Messages that the server cannot read count as pending, but never come.
	for left := c.CachedInfo().NumPending; err == nil && left > 0 && seen < last; {
		var n uint64
		n, err = fetchRead(ctx, c, min(left, readBatch, last-seen), came, func(m Stored) {
			seen = m.Sequence
			each(m)
		})
		came, left = came+n, left-min(n, left)
	}
	if seen >= last || err != nil && !errors.Is(err, errNothingCame) {
		return err
	}
	// Either what was last has left the stream or cannot be read, or this sight of it
	// lags.
	switch _, err2 := s.stream.GetMsg(ctx, last); {
	case errors.Is(err2, jetstream.ErrMsgNotFound):
		return nil
	case err == nil && err2 == nil:
		return fmt.Errorf("it was read up to %d of %d only", seen, last)
	default:
		return fmt.Errorf("it was read up to %d of %d only: %w", seen, last, errors.Join(err, err2))
	}
}

var errNothingCame = errors.New("no message came")

// fetchRead reads up to n messages, at least one, and returns how many. Of the
// consumer's deliveries so many as came went before: one that got lost on its way
// would look like a message that is not there.
func fetchRead(ctx context.Context, c jetstream.Consumer, n, came uint64, each func(Stored)) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	batch, err := c.Fetch(int(n), jetstream.FetchContext(ctx)) //nolint:gosec // readBatch at most
	if err != nil {
		return 0, err
	}
	var got uint64
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return 0, err
		}
		if got++; meta.Sequence.Consumer != came+got {
			return 0, fmt.Errorf("of what the server delivered, number %d did not come", came+got)
		}
		each(Stored{meta.Sequence.Stream, m.Headers().Get(event.HeaderID), m.Headers().Get(event.HeaderTime)})
	}
	if got == 0 {
		return 0, fmt.Errorf("%w: %w", errNothingCame, errors.Join(batch.Error(), ctx.Err()))
	}
	return got, nil
}
