package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

var errRefused = errors.New("permissions violation")

// silentStream was just asked for, and then its server goes away.
type silentStream struct{ jetstream.Stream }

func (silentStream) Info(context.Context, ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	return nil, errRefused
}

// The relay publishes once the sinks are prepared, whatever happens then.
func TestPrepareNeedsNoFurtherAnswer(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	d := newDelivery(js, s, l)
	stream, err := ensure(t.Context(), js, streamConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Prepare(silentStream{stream}); err != nil {
		t.Fatal(err)
	}
	all := events(t, 3)
	store(t, js, all)
	stop := begin(t, d)
	s.await(t, len(all))
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// Nothing may be published while it is not known where a sink starts.
func TestPrepareFailsWhileThePlaceIsNotKept(t *testing.T) {
	t.Parallel()
	js := connect(t)
	stream, err := ensure(t.Context(), js, streamConfig())
	if err != nil {
		t.Fatal(err)
	}
	l := &lot{fail: errors.New("no space left on device")}
	d := newDelivery(js, newSink(), l)
	if err := d.Prepare(stream); !errors.Is(err, l.fail) {
		t.Errorf("error %v, want that the place is not kept", err)
	}
	l.fail = nil
	if err := d.Prepare(stream); err != nil {
		t.Error(err)
	}
}

// noConsumers is a server that does not let us make a consumer.
type noConsumers struct {
	jetstream.JetStream
	refused chan struct{}
}

func (n noConsumers) CreateConsumer(
	context.Context, string, jetstream.ConsumerConfig,
) (jetstream.Consumer, error) {
	select {
	case n.refused <- struct{}{}:
	default:
	}
	return nil, errRefused
}

// The consumer cannot be made; somebody mends that, and starts us again.
func TestDeliveryStartsWhereItShouldHaveBeforeARestart(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 6)
	store(t, js, all[:2]) // of before the sink
	refusing := noConsumers{js, make(chan struct{}, 1)}
	d := newDelivery(refusing, s, l)
	prepare(t, js, d, all[2:4])
	stop := begin(t, d)
	<-refusing.refused
	stop()
	stop = begin(t, again(t, js, s, l))
	store(t, js, all[4:])
	s.await(t, 4)
	stop()
	if d := cmp.Diff(idsOf(all[2:]), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// The consumer is deleted while the daemon is stopped: what was settled is not
// repeated, and what came then is not missed.
func TestDeliveryKeepsItsPlaceAtTheStop(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 5)
	d := newDelivery(js, s, l)
	prepare(t, js, d, all[:3])
	stop := begin(t, d)
	s.await(t, 3)
	waitAcked(t, js)
	stop()
	if err := js.DeleteConsumer(t.Context(), streamName, "notifier-test-"+storeID); err != nil {
		t.Fatal(err)
	}
	store(t, js, all[3:])
	stop = begin(t, again(t, js, s, l))
	s.await(t, 2)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// shut is a server that can be kept from answering what a stream is.
type shut struct {
	jetstream.JetStream
	door *sync.Mutex
}

func (s shut) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	s.door.Lock()
	defer s.door.Unlock()
	return s.JetStream.Stream(ctx, name)
}

// Somebody deletes the stream and makes it again, and nothing fails at the
// relay: nobody prepares the sink for it. It has more in it than the one of
// before when the sink looks.
func TestDeliveryMissesNothingWhenSomebodyMakesTheStreamAgain(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 9)
	var door sync.Mutex
	d := newDelivery(shut{js, &door}, s, l)
	prepare(t, js, d, all[:3])
	stop := begin(t, d)
	s.await(t, 3)
	waitAcked(t, js)
	door.Lock()
	remake(t, js)
	store(t, js, all[3:])
	door.Unlock()
	s.await(t, 6)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

func remake(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	if _, err := ensure(t.Context(), js, streamConfig()); err != nil {
		t.Fatal(err)
	}
}

// eventful has something happen just before a consumer is made.
type eventful struct {
	jetstream.JetStream
	before func(jetstream.ConsumerConfig)
}

func (e eventful) CreateConsumer(
	ctx context.Context, stream string, c jetstream.ConsumerConfig,
) (jetstream.Consumer, error) {
	e.before(c)
	return e.JetStream.CreateConsumer(ctx, stream, c)
}

// The stream is made again between the look at it and the consumer's making,
// and has more in it by then than the one before.
func TestDeliveryMissesNothingWhenTheStreamIsMadeAgainMeanwhile(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 9)
	store(t, js, all[:3])
	var once sync.Once
	d := newDelivery(eventful{js, func(jetstream.ConsumerConfig) {
		once.Do(func() {
			remake(t, js)
			store(t, js, all[3:])
		})
	}}, s, l)
	prepare(t, js, d, nil)
	stop := begin(t, d)
	s.await(t, 6)
	stop()
	if d := cmp.Diff(idsOf(all[3:]), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// Should the process end when the consumer was just made, the next one must not
// take it for one that skips: the place is kept first.
func TestDeliveryKeepsThePlaceThatItsConsumerIsMadeFrom(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 4)
	made := make(chan [2]uint64, 2) // where it starts, and what is kept
	d := newDelivery(eventful{js, func(c jetstream.ConsumerConfig) {
		b, _ := l.Place("test")
		var kept struct{ Next uint64 }
		if err := json.Unmarshal(b, &kept); err != nil {
			t.Error(err)
		}
		made <- [2]uint64{c.OptStartSeq, kept.Next}
	}}, s, l)
	prepare(t, js, d, all[:3])
	stop := begin(t, d)
	s.await(t, 3)
	waitAcked(t, js)
	if err := js.DeleteConsumer(t.Context(), streamName, "notifier-test-"+storeID); err != nil {
		t.Fatal(err)
	}
	store(t, js, all[3:])
	s.await(t, 1)
	stop()
	for _, want := range []uint64{1, 4} {
		if got := <-made; got != [2]uint64{want, want} {
			t.Errorf("it starts with %d while %d is kept, want %d", got[0], got[1], want)
		}
	}
}

// A consumer is found that was made with the place in another stream.
func TestDeliveryMakesAConsumerAgainThatSkips(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 4)
	d := newDelivery(js, s, l)
	prepare(t, js, d, nil)
	_, err := js.CreateConsumer(t.Context(), streamName, jetstream.ConsumerConfig{
		Durable: "notifier-test-" + storeID, FilterSubject: prefix + ".request.>",
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 1000,
		AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	store(t, js, all)
	stop := begin(t, d)
	s.await(t, len(all))
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// The stream has lost its end, as in a power cut, and has used some of the
// sequences again: what came since is younger than what was settled.
func TestDeliveryMissesNothingWhenTheStreamLostItsEnd(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	all := events(t, 5)
	store(t, js, all)
	stream, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	settled, err := stream.GetMsg(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(map[string]any{
		"stream": streamName, "created": stream.CachedInfo().Created, "next": 900, "stored": settled.Time,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.places = map[string][]byte{"test": kept}
	stop := begin(t, again(t, js, s, l))
	s.await(t, 3) // the one that was settled is repeated: times need not differ
	stop()
	if d := cmp.Diff(idsOf(all[2:]), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// An event cannot be parked because the state is damaged: to try again is no use.
func TestDeliveryEndsWhenTheStateIsDamaged(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l := newSink(), &lot{}
	s.verdict = func(event.Event, int) error { return publish.Permanent(errors.New("never")) }
	d := newDelivery(js, s, l)
	prepare(t, js, d, events(t, 1))
	l.fail = errDamaged
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := d.Run(ctx, ctx); !errors.Is(err, errDamaged) || ctx.Err() != nil {
		t.Errorf("error %v, want that the state is damaged", err)
	}
}

// storedAt returns when the message with a sequence was stored.
func storedAt(t *testing.T, js jetstream.JetStream, sequence uint64) time.Time {
	t.Helper()
	stream, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(t.Context(), sequence)
	if err != nil {
		t.Fatal(err)
	}
	return m.Time
}

// A sink that is added later starts where its settings say: with what comes, with
// a time, or with all. That counts once; then its place does.
func TestDeliverySince(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		since func(t *testing.T, js jetstream.JetStream) time.Time
		from  int
	}{
		"now":  {func(*testing.T, jetstream.JetStream) time.Time { return time.Time{} }, 6},
		"all":  {func(*testing.T, jetstream.JetStream) time.Time { return time.Unix(0, 0) }, 0},
		"time": {func(t *testing.T, js jetstream.JetStream) time.Time { return storedAt(t, js, 4) }, 3},
		"between": {func(t *testing.T, js jetstream.JetStream) time.Time {
			return storedAt(t, js, 3).Add(time.Nanosecond)
		}, 3},
		"after the last": {func(t *testing.T, js jetstream.JetStream) time.Time {
			return storedAt(t, js, 6).Add(time.Nanosecond)
		}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js := connect(t)
			all := events(t, 9)
			for i := range 6 { // one by one, for each to have a time of its own
				store(t, js, all[i:i+1])
			}
			s, l := newSink(), &lot{}
			since := tt.since(t, js)
			with := func(since time.Time) *publish.Delivery {
				return publish.NewDelivery(publish.DeliveryOptions{
					Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
					Since: since, Places: l, Park: l.park, Damaged: isDamaged, Log: quiet,
				})
			}
			d := with(since)
			prepare(t, js, d, all[6:8])
			stop := begin(t, d)
			s.await(t, 8-tt.from)
			waitAcked(t, js)
			stop()
			if err := js.DeleteConsumer(t.Context(), streamName, "notifier-test-"+storeID); err != nil {
				t.Fatal(err)
			}
			d = with(time.Unix(0, 0)) // too late
			prepare(t, js, d, all[8:])
			stop = begin(t, d)
			s.await(t, 1)
			stop()
			if d := cmp.Diff(idsOf(all[tt.from:]), s.ids()); d != "" {
				t.Errorf("taken (-want +got):\n%s", d)
			}
		})
	}
}

// The process ends before a new sink's consumer is made: the next one makes it from
// the time all the same.
func TestDeliverySinceOutlivesARestart(t *testing.T) {
	t.Parallel()
	js := connect(t)
	all := events(t, 5)
	for i := range 4 {
		store(t, js, all[i:i+1])
	}
	s, l := newSink(), &lot{}
	d := publish.NewDelivery(publish.DeliveryOptions{
		Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
		Since: storedAt(t, js, 3), Places: l, Park: l.park, Log: quiet,
	})
	prepare(t, js, d, all[4:])
	stop := begin(t, again(t, js, s, l))
	s.await(t, 3)
	stop()
	if d := cmp.Diff(idsOf(all[2:]), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}
