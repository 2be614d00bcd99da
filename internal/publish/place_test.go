package publish_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// The consumer cannot be made for long, and the daemon is restarted meanwhile:
// what was published since the first start waits for the sink.
func TestPlaceOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	js := connect(t)
	one := jetstream.StreamConfig{Name: streamName, Subjects: []string{prefix + ".>"}, MaxConsumers: 1}
	stream, err := js.CreateStream(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "other"}); err != nil {
		t.Fatal(err)
	}
	s, l, all := newSink(), &lot{}, events(t, 6)
	relayAll(t, js, all[:2]) // before anybody configured the sink
	d := again(t, js, s, l)
	relayAll(t, js, all[2:4])
	begin(t, d)()

	d = again(t, js, s, l)
	relayAll(t, js, all[4:])
	if err := stream.DeleteConsumer(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	stop := begin(t, d)
	s.await(t, 4)
	stop()
	if d := cmp.Diff(idsOf(all[2:]), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// Somebody deletes the stream and makes it again, and nobody says so.
func TestPlaceInAStreamThatSomebodyElseMadeAgain(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l, all := newSink(), &lot{}, events(t, 9)
	d := newDelivery(js, s, l)
	prepare(t, js, d, all[:5])
	stop := begin(t, d)
	s.await(t, 5)
	waitAcked(t, js)
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	if _, err := publish.EnsureStream(t.Context(), js, streamConfig(), quiet); err != nil {
		t.Fatal(err)
	}
	relayAll(t, js, all[5:])
	s.await(t, 4)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// A consumer that was made for another stream of that name starts beyond all
// that there is.
func TestConsumerThatStartsBeyondTheStream(t *testing.T) {
	t.Parallel()
	js := connect(t)
	stream, err := publish.EnsureStream(t.Context(), js, streamConfig(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
		Durable: "notifier-test-" + storeID, FilterSubject: prefix + ".request.>", AckPolicy: jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 100, MaxAckPending: 1,
	}); err != nil {
		t.Fatal(err)
	}
	s, l, all := newSink(), &lot{}, events(t, 2)
	d := newDelivery(js, s, l)
	prepare(t, js, d, all)
	stop := begin(t, d)
	s.await(t, 2)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// Nothing may be published while it is not known where a sink is to start.
func TestPrepareSaysThatThePlaceIsNotKept(t *testing.T) {
	t.Parallel()
	js := connect(t)
	stream, err := publish.EnsureStream(t.Context(), js, streamConfig(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	l := &lot{err: errIll}
	if err := newDelivery(js, newSink(), l).Prepare(t.Context(), stream); err == nil {
		t.Error("no error")
	}
	l = &lot{note: []byte("{")}
	if err := newDelivery(js, newSink(), l).Prepare(t.Context(), stream); err == nil {
		t.Error("no error of a place that cannot be read")
	}
}

// relayAll publishes events into a stream that is there.
func relayAll(t *testing.T, js jetstream.JetStream, all []event.Event) {
	t.Helper()
	for _, e := range all {
		m := e.Message(prefix)
		if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}); err != nil {
			t.Fatal(err)
		}
	}
}
