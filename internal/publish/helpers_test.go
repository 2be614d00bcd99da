package publish_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/publish"
)

const (
	prefix     = "syllable"
	streamName = "SYLLABLE"
	storeID    = "teststore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTimeout bounds what should happen soon, however slow the machine is.
const testTimeout = 30 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// connect starts a server for the test and returns a JetStream client of it.
func connect(t *testing.T) jetstream.JetStream {
	t.Helper()
	s, err := natsd.Start(t.Context(), natsd.Options{StoreDir: t.TempDir(), Listen: natsd.ListenOff, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	nc, err := s.Connect(nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func streamConfig() publish.StreamConfig {
	return publish.StreamConfig{Name: streamName, Prefix: prefix, MaxAge: time.Hour, Replicas: 1, Owned: true}
}

func jsonLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// somebodys is streamConfig for a stream that is not our own, which is left as it
// is.
func somebodys() publish.StreamConfig {
	c := streamConfig()
	c.Owned = false
	return c
}

func ensure(ctx context.Context, js jetstream.JetStream, c publish.StreamConfig) (jetstream.Stream, error) {
	return publish.NewStreamMaker(js, c, quiet).Ensure(ctx)
}

// newEvent returns revision n of call ref.
func newEvent(t testing.TB, ref string, n uint64, result string) event.Event {
	t.Helper()
	from, to := fmt.Sprintf("S%d", n-1), fmt.Sprintf("S%d", n)
	at := time.Date(2026, 8, 22, 10, 0, int(n%60), 0, time.UTC)
	data, err := event.Call{
		BatchID: "20260822.9", ReferenceID: ref, Field: event.FieldRequestStatus, From: &from, To: &to,
		Revision: n, Observed: event.Observed{Until: at}, Result: []byte(result),
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return event.Event{
		ID:     event.ID{Store: storeID, Batch: "20260822.9", Reference: ref, Revision: n},
		Name:   event.Name(event.KindRequest, &to),
		Source: event.Source("https://api.example.com", "20260822.9"), Time: at, Data: data,
	}
}

// outbox is an outbox in memory, which keeps to the rules of the real one.
type outbox struct {
	mu      sync.Mutex
	kept    []kept // the first has sequence dropped+1
	dropped uint64
	relayed uint64
	parked  []string // reasons
	note    []byte
	wake    chan struct{}
	fail    func(op string) error // nil: nothing fails
}

type kept struct {
	event  event.Event
	parked bool
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

func (o *outbox) add(events ...event.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range events {
		o.kept = append(o.kept, kept{event: e})
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) Events(after uint64, limit, maxBytes int, each func(uint64, event.Event)) (uint64, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	through, size := uint64(0), 0
	for n := max(after, o.dropped) + 1; n <= o.newest() && limit > 0; n, limit = n+1, limit-1 {
		k := o.kept[n-o.dropped-1]
		if size += len(k.event.Data); size > maxBytes && through > 0 {
			break
		}
		if !k.parked {
			each(n, k.event)
		}
		through = n
	}
	return through, nil
}

func (o *outbox) newest() uint64 { return o.dropped + uint64(len(o.kept)) }

func (o *outbox) Relayed(sequence uint64, note []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		if err := o.fail("relayed"); err != nil {
			return err
		}
	}
	if sequence > o.newest() {
		return fmt.Errorf("the newest is %d", o.newest())
	}
	o.relayed, o.note = max(sequence, o.dropped), note
	return nil
}

func (o *outbox) ParkRelayed(sequence uint64, reason string, _ time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		if err := o.fail("park"); err != nil {
			return err
		}
	}
	oldest := o.relayed + 1
	for oldest < o.newest() && o.kept[oldest-o.dropped-1].parked {
		oldest++
	}
	if oldest != sequence {
		return fmt.Errorf("%d is not the oldest", sequence)
	}
	o.kept[sequence-o.dropped-1].parked = true
	o.relayed = sequence
	o.parked = append(o.parked, reason)
	return nil
}

// letGo drops what was relayed up to a sequence.
func (o *outbox) letGo(sequence uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = o.kept[sequence-o.dropped:]
	o.dropped = sequence
}

// size is how many events wait.
func (o *outbox) size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return int(o.newest() - o.relayed)
}

// newRelay returns a relay as a process makes it at its start.
func newRelay(t *testing.T, js jetstream.JetStream, o *outbox, c publish.StreamConfig) *publish.Relay {
	t.Helper()
	r, err := publish.NewRelay(publish.RelayOptions{
		Outbox: o, Store: storeID, Relayed: o.relayed, Note: o.note, Wake: o.wake, Prefix: prefix,
		Damaged: isDamaged, Log: quiet,
		Stream: publish.NewJetStream(js, func(ctx context.Context) (jetstream.Stream, error) {
			return ensure(ctx, js, c)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drain runs a relay until the outbox is empty.
func drain(t *testing.T, r *publish.Relay) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	hard, cancelHard := context.WithTimeout(t.Context(), testTimeout)
	defer cancelHard()
	if err := r.Run(ended, hard); err != nil {
		t.Fatal(err)
	}
}

// ids returns the ids in the stream, in its order.
func ids(t *testing.T, js jetstream.JetStream) []string {
	t.Helper()
	s, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq && info.State.Msgs > 0; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Header.Get(event.HeaderID))
	}
	return all
}

func idsOf(events []event.Event) []string {
	var all []string
	for _, e := range events {
		all = append(all, e.ID.String())
	}
	return all
}
