package publish

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// lagging is a stream of which less can be read than it says it has.
type lagging struct {
	jetstream.Stream
	err error // of its last message
}

func (l lagging) CreateConsumer(context.Context, jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	return nothingPending{}, nil
}

func (l lagging) DeleteConsumer(context.Context, string) error { return nil }

func (l lagging) GetMsg(context.Context, uint64, ...jetstream.GetMsgOpt) (*jetstream.RawStreamMsg, error) {
	return &jetstream.RawStreamMsg{}, l.err
}

type nothingPending struct{ jetstream.Consumer }

func (nothingPending) CachedInfo() *jetstream.ConsumerInfo { return &jetstream.ConsumerInfo{} }

func TestReadThatDoesNotReachTheEnd(t *testing.T) {
	t.Parallel()
	away := errors.New("no responders")
	for name, tt := range map[string]struct {
		last error // of the stream's last message
		want error // that the error wraps
		ok   bool
	}{
		"the last one has left": {last: jetstream.ErrMsgNotFound, ok: true},
		"this sight lags":       {},
		"it cannot be told":     {last: away, want: away},
	} {
		s := &JetStream{stream: lagging{err: tt.last}}
		err := s.Read(t.Context(), 3, 9, func(Stored) {})
		if (err == nil) != tt.ok || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want one: %v, which wraps %v", name, err, !tt.ok, tt.want)
		}
	}
}
