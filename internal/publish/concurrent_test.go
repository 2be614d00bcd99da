package publish_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// shortAckWait is how long the server waits in tests that crash, so that they do
// not wait for half a minute.
const shortAckWait = 500 * time.Millisecond

// concurrent returns a delivery that has several calls under way.
func concurrent(js jetstream.JetStream, s publish.Sink, l *lot, n int, ackWait time.Duration) *publish.Delivery {
	return publish.NewDelivery(publish.DeliveryOptions{
		Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
		Concurrent: n, AckWait: ackWait, Places: l, Park: l.park, Damaged: isDamaged, Log: quiet,
	})
}

// server starts a server, to which each process of a test connects by itself.
func server(t *testing.T) *natsd.Server {
	t.Helper()
	s, err := natsd.Start(t.Context(), natsd.Options{StoreDir: t.TempDir(), Listen: natsd.ListenOff, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func client(t *testing.T, s *natsd.Server) jetstream.JetStream {
	t.Helper()
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

// gate is a sink whose deliveries wait until they are let go.
type gate struct {
	begun   chan string // ids, as their deliveries begin
	verdict chan error  // a verdict for each, in any order
	only    func(event.Event) bool
	sink    *sink // takes what is let through
}

func newGate(only func(event.Event) bool) *gate {
	return &gate{begun: make(chan string, 1000), verdict: make(chan error), only: only, sink: newSink()}
}

func (g *gate) Name() string { return "test" }

func (g *gate) Deliver(ctx context.Context, e event.Event) error {
	if g.only(e) {
		g.begun <- e.ID.String()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-g.verdict:
			if err != nil {
				return err
			}
		}
	}
	return g.sink.Deliver(ctx, e)
}

func ofCall(ref string) func(event.Event) bool {
	return func(e event.Event) bool { return e.ID.Reference == ref }
}

func everything(event.Event) bool { return true }

// receive returns the next value, which should come soon.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(testTimeout):
		t.Fatal("nothing came for a long time")
		panic("unreachable")
	}
}

// calls returns n events of each call, interleaved.
func calls(t *testing.T, n int, refs ...string) []event.Event {
	t.Helper()
	var all []event.Event
	for revision := range n {
		for _, ref := range refs {
			all = append(all, newEvent(t, ref, uint64(revision+1), `{}`))
		}
	}
	return all
}

// byCall returns the ids of each call, in their order.
func byCall(all []string) map[string][]string {
	of := map[string][]string{}
	for _, id := range all {
		parsed, err := event.ParseID(id)
		if err != nil {
			panic(err)
		}
		of[parsed.Reference] = append(of[parsed.Reference], id)
	}
	return of
}

func TestDeliveryHasSeveralCallsUnderWay(t *testing.T) {
	t.Parallel()
	js := connect(t)
	g, l := newGate(everything), &lot{}
	d := concurrent(js, g, l, 3, 0)
	all := append(calls(t, 2, "a"), calls(t, 2, "b", "c", "d")...)
	prepare(t, js, d, all)
	stop := begin(t, d)
	var first []string
	for range 3 {
		first = append(first, receive(t, g.begun))
	}
	slices.Sort(first)
	if d := cmp.Diff([]string{idsOf(all)[0], idsOf(all)[2], idsOf(all)[3]}, first); d != "" {
		t.Errorf("the first at once (-want +got):\n%s", d)
	}
	for range all {
		g.verdict <- nil
	}
	g.sink.await(t, len(all))
	waitAcked(t, js)
	stop()
	if d := cmp.Diff(byCall(idsOf(all)), byCall(g.sink.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// A call that hangs holds up itself alone.
func TestDeliveryGoesOnPastACallThatHangs(t *testing.T) {
	t.Parallel()
	js := connect(t)
	g, l := newGate(ofCall("a")), &lot{}
	d := concurrent(js, g, l, 2, 0)
	all := calls(t, 30, "a", "b") // more than the window of 32
	prepare(t, js, d, all)
	stop := begin(t, d)
	receive(t, g.begun)
	// Of the window, half are events of the call that hangs, and stay.
	g.sink.await(t, 1)
	for i := range 30 {
		g.verdict <- nil
		if i < 29 {
			receive(t, g.begun)
		}
	}
	g.sink.await(t, len(all)-1)
	stop()
	if d := cmp.Diff(byCall(idsOf(all)), byCall(g.sink.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// A process is killed while it has an event of a call under way. The server waits
// for that one, and gives what is newer to the next process at once.
func TestDeliveryHoldsBackWhatIsNewerAfterACrash(t *testing.T) {
	t.Parallel()
	srv := server(t)
	first, js := client(t, srv), client(t, srv)
	g, l := newGate(everything), &lot{}
	d := concurrent(first, g, l, 4, shortAckWait)
	all := calls(t, 5, "a", "b", "c")
	prepare(t, js, d, all[:6])
	stop := begin(t, d)
	for range 3 {
		receive(t, g.begun)
	}
	first.Conn().Close()
	for range 3 {
		g.verdict <- errIll // whatever it says, it died
	}
	stop()
	store(t, js, all[6:])
	s := newSink()
	stop = begin(t, anotherProcess(t, js, s, l, 4))
	s.await(t, len(all))
	stop()
	if d := cmp.Diff(byCall(idsOf(all)), byCall(s.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// anotherProcess returns a delivery with several calls under way, as another process
// makes it.
func anotherProcess(t *testing.T, js jetstream.JetStream, s publish.Sink, l *lot, n int) *publish.Delivery {
	t.Helper()
	d := concurrent(js, s, l, n, shortAckWait)
	prepare(t, js, d, nil)
	return d
}

// What a killed process had under way vanishes from the stream while the next one
// waits for it.
func TestDeliveryDoesNotWaitForWhatIsGone(t *testing.T) {
	t.Parallel()
	const ackWait = 2 * time.Second
	srv := server(t)
	first, js := client(t, srv), client(t, srv)
	g, l := newGate(everything), &lot{}
	d := concurrent(first, g, l, 2, ackWait)
	all := calls(t, 3, "a", "b")
	prepare(t, js, d, all)
	stop := begin(t, d)
	receive(t, g.begun)
	receive(t, g.begun)
	first.Conn().Close()
	g.verdict <- errIll
	g.verdict <- errIll
	stop()
	s, log := newSink(), &logged{}
	d = publish.NewDelivery(publish.DeliveryOptions{
		Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
		Concurrent: 2, AckWait: ackWait, Places: l, Park: l.park, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	prepare(t, js, d, nil)
	stop = begin(t, d)
	consumerUntil(t, js, func(i *jetstream.ConsumerInfo) bool { return i.NumWaiting > 0 })
	stream, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(2)); err != nil { // the first alone
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	s.await(t, len(all)-2)
	stop()
	if log.String() != "" {
		t.Errorf("it goes on because it gave up, not because it knows:\n%s", log)
	}
	if d := cmp.Diff(byCall(idsOf(all[2:])), byCall(s.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// consumerUntil returns once the server says what is wanted of the consumer.
func consumerUntil(t *testing.T, js jetstream.JetStream, wanted func(*jetstream.ConsumerInfo) bool) {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); ; {
		c, err := js.Consumer(t.Context(), streamName, "notifier-test-"+storeID)
		if err != nil {
			t.Fatal(err)
		}
		if wanted(c.CachedInfo()) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the consumer is %+v, for a long time", c.CachedInfo())
		}
	}
}

// Deliveries go elsewhere while all is well: here to somebody who takes events of
// the consumer and does not acknowledge them.
func TestDeliveryNoticesWhatWentElsewhere(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	d := concurrent(js, s, l, 4, shortAckWait)
	all := calls(t, 20, "a")
	prepare(t, js, d, all[:1])
	stop := begin(t, d)
	s.await(t, 1)
	waitAcked(t, js)
	c, err := js.Consumer(t.Context(), streamName, "notifier-test-"+storeID)
	if err != nil {
		t.Fatal(err)
	}
	thief, err := c.Fetch(5, jetstream.FetchMaxWait(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	store(t, js, all[1:])
	stolen := 0
	for range thief.Messages() {
		stolen++
	}
	if stolen == 0 {
		t.Error("nothing went elsewhere: the test shows nothing")
	}
	s.await(t, len(all)-1)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken, %d after they went elsewhere (-want +got):\n%s", stolen, d)
	}
}

// The server delivers again what is in hand, under way or waiting, as it does
// when it has not heard of it in time.
func TestDeliveryIsGivenAgainWhatItHas(t *testing.T) {
	t.Parallel()
	js := connect(t)
	g, l := newGate(ofCall("a")), &lot{}
	d := concurrent(js, g, l, 2, 0)
	all := calls(t, 4, "a", "b")
	prepare(t, js, d, all)
	stop := begin(t, d)
	receive(t, g.begun)
	g.sink.await(t, 4) // all of b
	for _, sequence := range []int{1, 3} {
		subject := fmt.Sprintf("$JS.ACK.%s.notifier-test-%s.1.%d.%d.1.0", streamName, storeID, sequence, sequence)
		if err := js.Conn().Publish(subject, []byte("-NAK")); err != nil {
			t.Fatal(err)
		}
	}
	consumerUntil(t, js, func(i *jetstream.ConsumerInfo) bool {
		return i.Delivered.Consumer == uint64(len(all)+2)
	})
	for range 4 {
		g.verdict <- nil
	}
	g.sink.await(t, 4)
	waitAcked(t, js)
	stop()
	if d := cmp.Diff(byCall(idsOf(all)), byCall(g.sink.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// A stop returns what is in hand in the order of the stream, and it comes at
// once: the server would wait for 30 s.
func TestDeliveryGivesBackAllThatItHolds(t *testing.T) {
	t.Parallel()
	js := connect(t)
	g, l := newGate(everything), &lot{}
	d := concurrent(js, g, l, 4, 0)
	all := calls(t, 6, "a", "b", "c")
	prepare(t, js, d, all)
	stop := begin(t, d)
	for range 3 {
		receive(t, g.begun)
	}
	for range 3 {
		g.verdict <- publish.RetryAfter(errIll, time.Hour)
	}
	waitTrouble(t, d, true)
	stop()
	begun := time.Now()
	s := newSink()
	d = concurrent(js, s, l, 4, 0)
	prepare(t, js, d, nil)
	stop = begin(t, d)
	s.await(t, len(all))
	stop()
	if waited := time.Since(begun); waited > 20*time.Second {
		t.Errorf("it came after %v", waited)
	}
	if d := cmp.Diff(byCall(idsOf(all)), byCall(s.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// What is on its way when a delivery stops is not lost on it.
func TestDeliveryGivesBackWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	js := connect(t)
	g, l := newGate(everything), &lot{}
	d := concurrent(js, g, l, 100, 0) // a thousand in hand
	all := calls(t, 1500, "a", "b")
	prepare(t, js, d, all)
	stop := begin(t, d)
	receive(t, g.begun)
	go func() {
		for range 2 {
			g.verdict <- publish.RetryAfter(errIll, time.Hour)
		}
	}()
	stop()
	waiting := func(i *jetstream.ConsumerInfo) bool { return i.NumAckPending > 2 }
	consumerUntil(t, js, waiting) // else the test shows nothing
	s := newSink()
	s.seen = make(chan string, len(all))
	d = concurrent(js, s, l, 100, 0)
	prepare(t, js, d, nil)
	stop = begin(t, d)
	s.await(t, len(all))
	stop()
	if d := cmp.Diff(byCall(idsOf(all)), byCall(s.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// The consumer is deleted while one call hangs and others go on: what was taken
// ahead of the one that hangs does not come again.
func TestDeliveryRepeatsNothingWhenItsConsumerIsDeleted(t *testing.T) {
	t.Parallel()
	js := connect(t)
	g, l := newGate(ofCall("a")), &lot{}
	d := concurrent(js, g, l, 2, shortAckWait)
	all := append(calls(t, 1, "a"), calls(t, 20, "b")...)
	prepare(t, js, d, all)
	stop := begin(t, d)
	receive(t, g.begun)
	g.sink.await(t, 20)
	if err := js.DeleteConsumer(t.Context(), streamName, "notifier-test-"+storeID); err != nil {
		t.Fatal(err)
	}
	g.verdict <- nil // its acknowledgement reaches nobody
	g.sink.await(t, 1)
	more := []event.Event{newEvent(t, "b", 21, `{}`)}
	store(t, js, more)
	g.sink.await(t, 1)
	waitAcked(t, js)
	stop()
	if d := cmp.Diff(byCall(idsOf(append(all, more...))), byCall(g.sink.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// A consumer of before, or of other settings, is taken over, in both directions.
func TestDeliveryTakesOverAConsumerOfOtherSettings(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := calls(t, 9, "a", "b")
	for i, n := range []int{1, 4, 1} {
		d := concurrent(js, s, l, n, shortAckWait)
		prepare(t, js, d, all[6*i:6*i+6])
		stop := begin(t, d)
		s.await(t, 6)
		waitAcked(t, js)
		c, err := js.Consumer(t.Context(), streamName, "notifier-test-"+storeID)
		if err != nil {
			t.Fatal(err)
		}
		if want, got := []int{1, 64, 1}[i], c.CachedInfo().Config.MaxAckPending; got != want {
			t.Errorf("with %d at once, %d may be in hand, want %d", n, got, want)
		}
		stop()
	}
	if d := cmp.Diff(byCall(idsOf(all)), byCall(s.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// A passing failure of one call pauses the endpoint, all of it: when the time is
// over, the event that failed is asked for alone, and then all go on.
func TestDeliveryPausesTheEndpoint(t *testing.T) {
	t.Parallel()
	js := connect(t)
	g, l := newGate(everything), &lot{}
	d := concurrent(js, g, l, 3, 0)
	all := calls(t, 3, "a", "b", "c", "d")
	prepare(t, js, d, all)
	stop := begin(t, d)
	for range 3 {
		receive(t, g.begun)
	}
	g.verdict <- publish.RetryAfter(errIll, 100*time.Millisecond)
	waitTrouble(t, d, true)
	g.verdict <- nil // these two were under way
	g.verdict <- nil
	g.sink.await(t, 2)
	probe := receive(t, g.begun)
	if slices.Contains(g.sink.ids(), probe) || !slices.Contains(idsOf(all[:3]), probe) {
		t.Errorf("the probe is %s, want the one that failed", probe)
	}
	if d.Trouble() == "" {
		t.Error("it says that all is well before the probe is taken")
	}
	select {
	case id := <-g.begun:
		t.Errorf("%s is delivered beside the probe", id)
	default:
	}
	g.verdict <- nil
	for range 3 {
		receive(t, g.begun)
	}
	waitTrouble(t, d, false)
	for range len(all) - 3 {
		g.verdict <- nil
	}
	g.sink.await(t, len(all)-2)
	stop()
	if d := cmp.Diff(byCall(idsOf(all)), byCall(g.sink.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// waitTrouble returns once a delivery has trouble, or has none any more.
func waitTrouble(t *testing.T, d *publish.Delivery, want bool) {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); (d.Trouble() != "") != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("trouble is %q, for a long time", d.Trouble())
		}
	}
}

// Events of other stores and what is none are passed over beside the others, and
// the place moves behind them.
func TestDeliveryPassesOverWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	d := concurrent(js, s, l, 4, 0)
	prepare(t, js, d, nil)
	var own, all []event.Event
	for i := range 20 {
		e := newEvent(t, fmt.Sprintf("ref-%d", i%3), uint64(i/3+1), `{}`)
		if i%2 == 1 {
			e.ID.Store = "other"
		} else {
			own = append(own, e)
		}
		all = append(all, e)
	}
	store(t, js, all)
	if _, err := js.Publish(t.Context(), prefix+".request.x.1.b", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	stop := begin(t, d)
	s.await(t, len(own))
	waitAcked(t, js)
	stop()
	if d := cmp.Diff(byCall(idsOf(own)), byCall(s.ids())); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
	if at := l.next(t); at != 22 {
		t.Errorf("the place is %d, want 22", at)
	}
}

// A place is never behind an event that is not settled.
func TestPlaceStaysBeforeWhatIsNotSettled(t *testing.T) {
	t.Parallel()
	js := connect(t)
	g, l := newGate(ofCall("b")), &lot{}
	d := concurrent(js, g, l, 4, 0)
	all := append(calls(t, 1, "a", "b"), calls(t, 10, "c")...)
	prepare(t, js, d, all)
	stop := begin(t, d)
	receive(t, g.begun)
	g.sink.await(t, 11)
	g.verdict <- publish.RetryAfter(errors.New("not now"), time.Hour)
	waitTrouble(t, d, true)
	stop()
	if at := l.next(t); at != 2 {
		t.Errorf("the place is %d, want 2, which is not settled", at)
	}
}
