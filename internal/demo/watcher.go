package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/config"
)

// watcher is a subscriber as anybody could write one, over the network port,
// that audits what it reads.
type watcher struct {
	conn     *nats.Conn
	stream   jetstream.Stream
	consumer jetstream.ConsumeContext

	mu        sync.Mutex
	auditor   *audit.Auditor
	completed []string // ids of the events that Slack should show
	seq       uint64   // of the newest message read
}

func newWatcher() *watcher {
	return &watcher{auditor: audit.New(config.Default().NATSSubjectPrefix)}
}

// start subscribes to the whole stream.
func (w *watcher) start(ctx context.Context, addr string, token config.Secret) error {
	var err error
	if w.conn, err = nats.Connect("nats://"+addr, nats.Name("demo"), nats.Token(token.Reveal())); err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	js, err := jetstream.New(w.conn)
	if err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	if w.stream, err = awaitStream(ctx, js, config.Default().NATSStream); err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	c, err := w.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	w.consumer, err = c.Consume(w.read)
	return err
}

// awaitStream waits until the daemon has made its stream.
func awaitStream(ctx context.Context, js jetstream.JetStream, name string) (jetstream.Stream, error) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		s, err := js.Stream(ctx, name)
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

func (w *watcher) read(m jetstream.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.auditor.Add(m.Subject(), m.Headers(), m.Data())
	if e, err := event.Decode(m.Headers(), m.Data()); err == nil && e.Name == event.InsightsCompleted {
		w.completed = append(w.completed, e.ID.String())
	}
	if meta, err := m.Metadata(); err == nil {
		w.seq = meta.Sequence.Stream
	}
}

func (w *watcher) report() audit.Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.auditor.Report()
}

// judge compares what was read with what really happened.
func (w *watcher) judge(lives []audit.Life) audit.Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.auditor.Compare(lives)
	return w.auditor.Report()
}

func (w *watcher) completedIDs() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.completed...)
}

func (w *watcher) completedInsights() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.completed)
}

// caughtUp says whether everything in the stream was read.
func (w *watcher) caughtUp() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	info, err := w.stream.Info(ctx)
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seq >= info.State.LastSeq
}

func (w *watcher) stop() {
	if w.consumer != nil {
		w.consumer.Stop()
	}
	if w.conn != nil {
		w.conn.Close()
	}
}
