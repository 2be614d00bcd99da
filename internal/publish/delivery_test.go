package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// sink records what it is given and answers as it is told to.
type sink struct {
	verdict func(e event.Event, attempt int) error // nil: takes all

	mu       sync.Mutex
	attempts map[string]int
	taken    []string
	seen     chan string // every attempt
}

func newSink() *sink {
	return &sink{attempts: map[string]int{}, seen: make(chan string, 1000)}
}

func (*sink) Name() string { return "test" }

func (s *sink) Deliver(_ context.Context, e event.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := e.ID.String()
	s.attempts[id]++
	defer func() { s.seen <- id }()
	if s.verdict != nil {
		if err := s.verdict(e, s.attempts[id]); err != nil {
			return err
		}
	}
	s.taken = append(s.taken, id)
	return nil
}

func (s *sink) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// lot is the state, as far as a delivery knows it: what was parked, and places.
type lot struct {
	fail error // of all that is written

	mu     sync.Mutex
	ids    []string
	places map[string][]byte
}

func (l *lot) park(_, _ string, e event.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	l.ids = append(l.ids, e.ID.String())
	return nil
}

func (l *lot) Place(sink string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.places[sink], nil
}

func (l *lot) PutPlace(sink string, place []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	if l.places == nil {
		l.places = map[string][]byte{}
	}
	l.places[sink] = place
	return nil
}

// next returns where the place is that is kept.
func (l *lot) next(t *testing.T) uint64 {
	t.Helper()
	b, _ := l.Place("test")
	var kept struct{ Next uint64 }
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	return kept.Next
}

var errDamaged = errors.New("the state is damaged")

func isDamaged(err error) bool { return errors.Is(err, errDamaged) }

func newDelivery(js jetstream.JetStream, s *sink, l *lot) *publish.Delivery {
	return publish.NewDelivery(publish.DeliveryOptions{
		Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
		Places: l, Park: l.park, Damaged: isDamaged, Log: quiet,
	})
}

// again returns the delivery as another process makes it.
func again(t *testing.T, js jetstream.JetStream, s *sink, l *lot) *publish.Delivery {
	t.Helper()
	d := newDelivery(js, s, l)
	prepare(t, js, d, nil)
	return d
}

// begin runs a delivery and returns a function that stops it as the daemon
// does and waits for it.
func begin(t *testing.T, d *publish.Delivery) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := d.Run(ctx, t.Context()); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// prepare makes the stream and the consumer, and publishes the events.
func prepare(t *testing.T, js jetstream.JetStream, d *publish.Delivery, all []event.Event) {
	t.Helper()
	stream, err := ensure(t.Context(), js, streamConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Prepare(stream); err != nil {
		t.Fatal(err)
	}
	store(t, js, all)
}

func store(t *testing.T, js jetstream.JetStream, all []event.Event) {
	t.Helper()
	if len(all) == 0 {
		return
	}
	o := newOutbox()
	o.add(all...)
	drain(t, newRelay(t, js, o, streamConfig()))
}

// await receives n attempts.
func (s *sink) await(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-s.seen:
		case <-time.After(testTimeout):
			t.Fatal("nothing was delivered for a long time")
		}
	}
}

var errIll = errors.New("the endpoint is ill")

func TestDeliveryHoldsTheOrderThroughFailures(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 8)
	s.verdict = func(e event.Event, attempt int) error {
		switch {
		case e.ID.Revision == 3 && attempt == 1:
			return errIll
		case e.ID.Revision == 5 && attempt == 1:
			return publish.RetryAfter(errIll, 10*time.Millisecond)
		case e.ID.Revision == 6:
			return publish.Permanent(errors.New("never"))
		}
		return nil
	}
	d := newDelivery(js, s, l)
	prepare(t, js, d, all)
	stop := begin(t, d)
	s.await(t, len(all)+2)
	stop()
	want := idsOf(all)
	parked := want[5]
	want = slices.Delete(want, 5, 6)
	if d := cmp.Diff(want, s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{parked}, l.ids); d != "" {
		t.Errorf("parked (-want +got):\n%s", d)
	}
}

func TestDeliveryGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 6)
	d := newDelivery(js, s, l)
	prepare(t, js, d, all[:3])
	stop := begin(t, d)
	s.await(t, 3)
	stop()
	store(t, js, all[3:])
	stop = begin(t, again(t, js, s, l))
	s.await(t, 3)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// An event that could not be delivered before the stop comes at once after it,
// not only when the server has waited for its acknowledgement in vain.
func TestDeliveryGivesBackWhatItHolds(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	s.verdict = func(_ event.Event, attempt int) error {
		if attempt == 1 {
			return publish.RetryAfter(errIll, time.Hour)
		}
		return nil
	}
	d := newDelivery(js, s, l)
	all := events(t, 1)
	prepare(t, js, d, all)
	stop := begin(t, d)
	s.await(t, 1)
	stop()
	begun := time.Now()
	stop = begin(t, again(t, js, s, l))
	s.await(t, 1)
	stop()
	// The server's own wait is 30 s; a loaded machine is far from that.
	if waited := time.Since(begun); waited > 20*time.Second {
		t.Errorf("it came after %v", waited)
	}
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

func TestDeliveryStartsWithWhatComesNext(t *testing.T) {
	t.Parallel()
	js := connect(t)
	all := events(t, 4)
	store(t, js, all[:2]) // before anybody configured the sink
	s, l := newSink(), &lot{}
	d := newDelivery(js, s, l)
	prepare(t, js, d, all[2:])
	stop := begin(t, d)
	s.await(t, 2)
	stop()
	if d := cmp.Diff(idsOf(all[2:]), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// Somebody deletes the consumer while the daemon runs.
func TestDeliveryMissesNothingWhenItsConsumerIsDeleted(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 6)
	d := newDelivery(js, s, l)
	prepare(t, js, d, all[:3])
	stop := begin(t, d)
	s.await(t, 3)
	waitAcked(t, js)
	if err := js.DeleteConsumer(t.Context(), streamName, "notifier-test-"+storeID); err != nil {
		t.Fatal(err)
	}
	store(t, js, all[3:])
	s.await(t, 3)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// Somebody deletes the whole stream while the daemon runs, and the relay makes
// it again: its sequences begin anew, and all of it is news to the sink.
func TestDeliveryMissesNothingWhenTheStreamIsMadeAgain(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 9)
	d := newDelivery(js, s, l)
	prepare(t, js, d, all[:5])
	stop := begin(t, d)
	s.await(t, 5)
	waitAcked(t, js)
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	prepare(t, js, d, all[5:]) // as the relay does after the failure
	s.await(t, 4)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// Two daemons may share a stream, but not what they tell.
func TestDeliveryLeavesTheEventsOfOtherStores(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	d := newDelivery(js, s, l)
	prepare(t, js, d, nil)
	foreign := newEvent(t, "ref-1", 1, `{}`)
	foreign.ID.Store = "other"
	own := newEvent(t, "ref-1", 1, `{}`)
	store(t, js, []event.Event{foreign, own})
	stop := begin(t, d)
	s.await(t, 1)
	stop()
	if d := cmp.Diff([]string{own.ID.String()}, s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// waitAcked returns once the server has all acknowledgements.
func waitAcked(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); ; {
		c, err := js.Consumer(t.Context(), streamName, "notifier-test-"+storeID)
		if err != nil {
			t.Fatal(err)
		}
		if i := c.CachedInfo(); i.NumAckPending == 0 && i.NumPending == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("events are not acknowledged")
		}
	}
}

func TestDeliveryPassesOverWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	d := newDelivery(js, s, l)
	prepare(t, js, d, nil)
	if _, err := js.Publish(t.Context(), prefix+".request.x.1.b", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	all := events(t, 1)
	store(t, js, all)
	stop := begin(t, d)
	s.await(t, 1)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}
