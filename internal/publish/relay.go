package publish

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/crashpoint"
)

const (
	// batchBytes bounds the data that are published and synced at once.
	batchBytes = 4 << 20
	// lateAttempts is how often publishing may fail once the end was asked
	// for: a server that is away now will not be back within seconds.
	lateAttempts = 3
	// lookInterval is how often the stream is looked at while no event comes, and
	// markInterval how often the place in it is marked at most.
	lookInterval = time.Minute
	markInterval = time.Hour
)

// Outbox is where committed events wait for the stream, and stay for a while
// after it took them.
type Outbox interface {
	// Events calls each with the events that come after a sequence, in order: up
	// to limit, and up to maxBytes of data but at least one. It returns the
	// newest sequence that it looked at, 0 for none.
	Events(after uint64, limit, maxBytes int, each func(sequence uint64, e event.Event)) (uint64, error)
	// Relayed says that the stream holds the events up to sequence, and that
	// those after it wait, and keeps the note.
	Relayed(sequence uint64, note []byte) error
	// ParkRelayed parks the oldest event that waits, which can never be
	// published.
	ParkRelayed(sequence uint64, reason string, at time.Time) error
}

// RelayOptions configures a Relay.
type RelayOptions struct {
	Outbox Outbox
	// Store is the id of the outbox's store, the first part of the ids of its
	// events, and Former are those that it had before.
	Store  string
	Former []string
	// Relayed and Note are what the newest Relayed of the outbox kept, 0 and nil at
	// first.
	Relayed uint64
	Note    []byte
	// Known says whether the state knows that there was an event of its own. With nil
	// it does.
	Known func(event.ID) (bool, error)
	// Wake receives after events were committed.
	Wake <-chan struct{}
	// Stream is where events go.
	Stream Stream
	// Retry receives when a stream that could not be reached may be there again.
	Retry <-chan nats.Status
	// Prefix is the first token or tokens of every subject.
	Prefix string
	// Damaged says whether an error of Outbox or Stream is that the state is
	// damaged, which ends the relay; others are tried again. With nil all are.
	Damaged func(error) bool
	Log     *slog.Logger
}

// Relay takes events from the outbox to the stream, in order, each stored
// once. Events of several stores may share a stream.
type Relay struct {
	o       RelayOptions
	trouble trouble

	relayed     uint64 // the newest sequence of which the stream holds all up to it
	at          position
	marked      time.Time // when the place was last marked
	nextCompare time.Time // when the stream is compared with what is kept
	lostEvents  int       // that the newest comparison could not publish again
	checks      chan chan int
	waiting     []chan int // for a comparison

	// What is known of the stream while all goes well.
	open    bool // false when it has to be asked (again) what it holds
	info    StreamInfo
	held    map[string]stored // ids of waiting events that the stream holds, and where
	newest  at                // the newest of ours in the stream that was passed
	foreign uint64            // up to this sequence nothing of ours lies behind the place

	mu       sync.Mutex
	ready    error
	late     []event.ID
	newestID string
}

// NewRelay returns a Relay that has not started.
func NewRelay(o RelayOptions) (*Relay, error) {
	at, err := decodePosition(o.Note)
	if err != nil {
		return nil, err
	}
	return &Relay{
		o: o, at: at, relayed: o.Relayed, ready: errNotOpen, checks: make(chan chan int), late: at.Filled, newestID: at.ID,
		trouble: trouble{log: o.Log, what: "events cannot be published; they wait in the state"},
	}, nil
}

// Ready returns nil while the stream takes events, and why not otherwise.
func (r *Relay) Ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready
}

func (r *Relay) show() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late, r.newestID = r.at.Filled, r.at.ID
}

// Newest returns the id of the newest event that the stream has taken, empty for none.
func (r *Relay) Newest() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.newestID
}

func (r *Relay) setReady(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = err
}

// Run publishes until ctx ends and nothing waits in the outbox; it gives up what
// is left when hard ends, or when a few attempts after ctx have failed. Whoever
// commits must have ended before ctx does. Its error is that the state is
// damaged or cannot be read, or [ErrOlderState].
func (r *Relay) Run(ctx, hard context.Context) error {
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for late := 0; hard.Err() == nil && late < lateAttempts; {
		last := ctx.Err() != nil // before the look at the outbox
		n, err := r.RunOnce(hard)
		if r.fatal(err) {
			return err
		}
		if err != nil {
			if last {
				late++
			}
			r.failed(ctx, hard, err)
			continue
		}
		r.trouble.over()
		r.setReady(nil)
		if n > 0 {
			continue
		}
		if last {
			break
		}
		select {
		case <-ctx.Done(): // and one more look at the outbox
		case <-r.o.Wake:
		case <-look.C:
			r.open = false
		case done := <-r.checks:
			r.waiting = append(r.waiting, done)
		}
	}
	return nil
}

// fatal says whether trying again is of no use.
func (r *Relay) fatal(err error) bool {
	if err == nil {
		return false
	}
	return isOutboxError(err) || errors.Is(err, ErrOlderState) || r.o.Damaged != nil && r.o.Damaged(err)
}

// failed waits before the next try, but not longer than until the connection is
// back or ctx ends.
func (r *Relay) failed(ctx, hard context.Context, err error) {
	if hard.Err() != nil {
		return // given up, not failed
	}
	r.setReady(err)
	wait := r.trouble.failed(err)
	if ctx.Err() != nil {
		pause(hard, min(wait, firstPause), nil)
		return
	}
	pause(ctx, wait, r.o.Retry)
}

// RunOnce publishes what waits in the outbox, up to a bound, and returns how many
// events that were. After an error the next one asks what the stream holds: whether
// it stored what was sent is not known.
func (r *Relay) RunOnce(ctx context.Context) (int, error) {
	n, err := r.runOnce(ctx)
	if errors.Is(err, errReconnected) {
		r.open = false
		n, err = r.runOnce(ctx)
	}
	if err != nil {
		r.open = false
	}
	return n, err
}

func (r *Relay) runOnce(ctx context.Context) (int, error) {
	if !r.open {
		if err := r.resume(ctx); err != nil {
			return 0, err
		}
	}
	if err := r.compareIfDue(ctx); err != nil {
		return 0, err
	}
	batch, through, err := r.next(r.relayed)
	switch {
	case err != nil:
		return 0, &outboxError{err}
	case through == 0:
		return 0, r.caughtUp()
	case len(batch) == 0:
		return 0, r.moved(through) // past what was parked
	}
	for i, en := range batch {
		why := r.unfit(en)
		if _, there := r.held[en.event.ID.String()]; there || why == "" {
			continue
		}
		if i > 0 {
			batch, through = batch[:i], batch[i-1].sequence // it is the first next time
			break
		}
		r.o.Log.Error("event parked: it can never be published", "id", en.event.ID.Redacted(), "reason", why)
		if err := r.o.Outbox.ParkRelayed(en.sequence, why, time.Now().UTC()); err != nil {
			return 0, err
		}
		r.relayed = en.sequence
		return 1, nil
	}
	// A crash here, before the ack, leaves the events waiting: they are sent again
	// with the same ids, unless the stream is found to hold them.
	crashpoint.Here(crashpoint.RelayPublish)
	if err := r.publish(ctx, batch); err != nil {
		return 0, err
	}
	// A crash here leaves events waiting that the stream holds; resume finds them
	// behind the old position.
	crashpoint.Here(crashpoint.RelayAcked)
	err = r.moved(through)
	crashpoint.Here(crashpoint.RelayLeft)
	return len(batch), err
}

// entry is an event of the outbox.
type entry struct {
	sequence uint64
	event    event.Event
}

// next reads as many events after a sequence as are published at once.
func (r *Relay) next(after uint64) (batch []entry, through uint64, err error) {
	through, err = r.o.Outbox.Events(after, r.info.Batch, batchBytes, func(sequence uint64, e event.Event) {
		batch = append(batch, entry{sequence, e})
	})
	return batch, through, err
}

// moved keeps that the stream holds all up to a sequence.
func (r *Relay) moved(through uint64) error {
	now := r.at
	now.at = r.newest
	if len(r.held) == 0 {
		// While the stream holds events that have not been passed yet, the place
		// stays before them: they have to be found again after a crash.
		now.Behind = max(now.Behind, r.newest.Seq, r.foreign)
		if through > r.relayed && time.Since(r.marked) >= markInterval {
			now.Marks, r.marked = now.marked(through, r.newest.Seq), time.Now()
		}
	}
	if err := r.o.Outbox.Relayed(through, now.encode()); err != nil {
		return err
	}
	r.relayed, r.at = through, now
	r.show()
	return nil
}

// caughtUp drops what else the stream holds: nothing that it could be waits.
func (r *Relay) caughtUp() error {
	if len(r.held) == 0 {
		return nil
	}
	r.held, r.foreign = nil, r.info.Last
	return r.moved(r.relayed)
}

type outboxError struct{ error }

func (e *outboxError) Unwrap() error { return e.error }
