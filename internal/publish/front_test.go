package publish_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// filled relays events to a stream that takes no batches, and returns the stream.
func filled(t *testing.T, js jetstream.JetStream, o *outbox, all []event.Event) jetstream.Stream {
	t.Helper()
	oneByOne(t, js)
	o.add(all...)
	drain(t, newRelay(t, js, o, streamConfig()))
	s, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An event is lost from the middle and published again; then those around it age. It
// is there, but they were not lost.
func TestFault40AgedAroundAFilledHole(t *testing.T) {
	t.Parallel()
	js, o, all := connect(t), newOutbox(), events(t, 7)
	s := filled(t, js, o, all)
	if err := s.DeleteMsg(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	forgotten(t, js)
	drain(t, newRelay(t, js, o, streamConfig()))
	want := idsOf(slices.Concat(all[:2], all[3:], all[2:3]))
	if d := cmp.Diff(want, present(t, js)); d != "" {
		t.Fatalf("filled (-want +got):\n%s", d)
	}
	if err := s.Purge(t.Context(), jetstream.WithPurgeSequence(6)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		drain(t, newRelay(t, js, o, streamConfig()))
	}
	if d := cmp.Diff(want[4:], present(t, js)); d != "" {
		t.Errorf("aged (-want +got):\n%s", d)
	}
}

// What was purged stays away, also where the stream loses its end afterwards.
func TestPurgedBeforeTheEndIsLost(t *testing.T) {
	t.Parallel()
	js, o, all := connect(t), newOutbox(), events(t, 6)
	s := filled(t, js, o, all)
	if err := s.Purge(t.Context(), jetstream.WithPurgeSequence(4)); err != nil {
		t.Fatal(err)
	}
	// As if the newest had been one more, which is gone.
	o.note = []byte(strings.Replace(string(o.note), `"seq":6`, `"seq":7`, 1))
	forgotten(t, js)
	drain(t, newRelay(t, js, o, streamConfig()))
	if d := cmp.Diff(idsOf(all[3:]), present(t, js)); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
}

// An event that the stream holds is not parked, whatever the server allows by now.
func TestHeldIsNotParked(t *testing.T) {
	t.Parallel()
	js, o := connect(t), newOutbox()
	large := newEvent(t, "ref-1", 1, `{"x":"`+strings.Repeat("x", 2000)+`"}`)
	o.add(large)
	crashAfterAck(t, js, o)
	s, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	c := s.CachedInfo().Config
	c.MaxMsgSize = 1000
	if _, err := js.UpdateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	r, err := publish.NewRelay(publish.RelayOptions{
		Outbox: o, Store: storeID, Relayed: o.relayed, Note: o.note, Wake: o.wake, Prefix: prefix, Log: quiet,
		Stream: publish.NewJetStream(js, func(ctx context.Context) (jetstream.Stream, error) {
			return js.Stream(ctx, streamName)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	drain(t, r)
	mustHold(t, js, []event.Event{large})
	if len(o.parked) != 0 || o.size() != 0 {
		t.Errorf("parked %q, %d wait", o.parked, o.size())
	}
}

// A sink that has settled nothing yet begins where it should, also in a stream that is
// filled again with what is older than it.
func TestFault38NewSink(t *testing.T) {
	t.Parallel()
	js, o, all := connect(t), newOutbox(), events(t, 3)
	o.add(all...)
	drain(t, newRelay(t, js, o, streamConfig()))
	s, l := newSink(), &lot{}
	deliver := func() *publish.Delivery {
		return publish.NewDelivery(publish.DeliveryOptions{
			Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>", Places: l,
			Kept: o, Newest: func() string { return all[2].ID.String() }, Park: l.park, Log: quiet,
		})
	}
	prepare(t, js, deliver(), nil) // it is new here
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	newer := events(t, 5)[3:]
	o.add(newer...)
	d := deliver()
	prepare(t, js, d, nil)
	drain(t, newRelay(t, js, o, streamConfig()))
	mustHold(t, js, append(all, newer...))
	stop := begin(t, d)
	s.await(t, 2)
	stop()
	if d := cmp.Diff(idsOf(newer), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// What was published again behind newer ones may not have been delivered when the
// stream is lost: better twice than never.
func TestFault38LateEventsAreDelivered(t *testing.T) {
	t.Parallel()
	js, o, all := connect(t), newOutbox(), events(t, 4)
	s, l := newSink(), &lot{}
	deliver := func() *publish.Delivery {
		return publish.NewDelivery(publish.DeliveryOptions{
			Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>", Places: l,
			Kept: o, Late: func() []event.ID { return []event.ID{all[1].ID} }, Park: l.park, Log: quiet,
		})
	}
	d := deliver()
	prepare(t, js, d, nil)
	stop := begin(t, d)
	o.add(all...)
	drain(t, newRelay(t, js, o, streamConfig()))
	s.await(t, 4)
	waitAcked(t, js)
	stop()
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	d = deliver()
	prepare(t, js, d, nil)
	drain(t, newRelay(t, js, o, streamConfig()))
	stop = begin(t, d)
	s.await(t, 1)
	waitAcked(t, js)
	stop()
	if d := cmp.Diff(idsOf(append(all, all[1])), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}

// A comparison that fails keeps nothing that waits from being published.
func TestComparingDoesNotHoldUp(t *testing.T) {
	t.Parallel()
	s := &unreadable{remembered: &remembered{created: time.Now()}}
	o := newOutbox()
	o.add(events(t, 3)...)
	relay := func() *publish.Relay {
		r, err := publish.NewRelay(publish.RelayOptions{
			Outbox: o, Store: storeID, Relayed: o.relayed, Note: o.note, Wake: o.wake, Stream: s, Prefix: prefix, Log: quiet,
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	drain(t, relay())
	o.add(events(t, 4)[3:]...)
	drain(t, relay())
	if len(s.ids) != 4 {
		t.Errorf("%d events were published, want 4", len(s.ids))
	}
}

// unreadable can be read from its middle on, but not from its start.
type unreadable struct{ *remembered }

func (u *unreadable) Read(ctx context.Context, after, last uint64, each func(publish.Stored)) error {
	if after == 0 && last > 0 {
		return errors.New("cannot be read")
	}
	return u.remembered.Read(ctx, after, last, each)
}
