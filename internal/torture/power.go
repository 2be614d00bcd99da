package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/store"
)

// Recorder reads the stream of a daemon from outside while it is filled, and
// remembers what was where: none of it may be gone after a power cut, or be
// something else. It is safe for concurrent use.
type Recorder struct {
	mu   sync.Mutex
	held map[uint64]string // ids, by sequence
	lost []string
}

// Watch reads what comes, until the function that it returns is called. The
// stream need not be there yet.
func (r *Recorder) Watch(addr string) (stop func(), err error) {
	nc, err := nats.Connect("nats://"+addr, nats.MaxReconnects(-1), nats.ErrorHandler(
		func(*nats.Conn, *nats.Subscription, error) {})) // of a server that was killed
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		var c jetstream.Consumer
		if !until(ctx, func() (ok bool) {
			var err error
			c, err = js.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{HeadersOnly: true})
			return err == nil
		}) {
			return
		}
		it, err := c.Messages()
		if err != nil {
			return
		}
		defer it.Stop()
		for {
			m, err := it.Next(jetstream.NextContext(ctx))
			if err != nil {
				return
			}
			if meta, err := m.Metadata(); err == nil {
				r.keep(Message{Sequence: meta.Sequence.Stream, Header: m.Headers()})
			}
		}
	}()
	return func() {
		cancel()
		nc.Close()
		<-done
	}, nil
}

func (r *Recorder) keep(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = map[uint64]string{}
	}
	if was := r.held[m.Sequence]; was != "" && was != m.ID() {
		r.lost = append(r.lost, fmt.Sprintf("message %d was %s, and is %s after a cut", m.Sequence, was, m.ID()))
	}
	r.held[m.Sequence] = m.ID()
}

// Seen returns how many messages it has seen.
func (r *Recorder) Seen() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held)
}

// Compare says what of it the whole stream has not, or not where it was.
func (r *Recorder) Compare(messages []Message) []string {
	there := map[uint64]bool{}
	for _, m := range messages {
		there[m.Sequence] = true
		r.keep(m)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	problems := r.lost
	for sequence, id := range r.held {
		if !there[sequence] {
			problems = append(problems, fmt.Sprintf("message %d, which was %s, is gone", sequence, id))
		}
	}
	return problems
}

// CheckState opens the state of a daemon that has ended, and says what is wrong
// with it: it does not open, or lacks what the log says was committed.
func (w *World) CheckState() error {
	told := w.Journal.Told()
	path := filepath.Join(w.Data, "notifier.db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && len(told) == 0 {
		return nil // it was not made yet
	} else if err != nil {
		return err
	}
	st, err := store.Open(path)
	if err != nil {
		return err
	}
	var errs []error
	for batch, events := range told {
		errs = append(errs, st.View(batch, func(tx *store.Tx) error {
			b, err := tx.Batch()
			if err == nil && b.Events < events {
				err = fmt.Errorf("batch %s had %d events committed, and has %d", batch, events, b.Events)
			}
			return err
		}))
	}
	return errors.Join(append(errs, st.Close())...)
}
