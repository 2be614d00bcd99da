package publish_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// events returns so many events of a call, as of now.
func events(t *testing.T, n int) []event.Event {
	t.Helper()
	var all []event.Event
	for i := range n {
		e := newEvent(t, "ref-1", uint64(i+1), `{}`)
		e.Time = time.Now().UTC()
		all = append(all, e)
	}
	return all
}

func TestRelayStoresEachEventOnceInOrder(t *testing.T) {
	t.Parallel()
	for name, atomic := range map[string]bool{"in batches": true, "one by one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js := connect(t)
			if !atomic { // as on a server that an older version set up
				c := jetstream.StreamConfig{Name: streamName, Subjects: []string{prefix + ".>"}, MaxAge: time.Hour}
				if _, err := js.CreateStream(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			o := newOutbox()
			want := events(t, 1234)
			o.add(want...)
			drain(t, newRelay(t, js, o, streamConfig()))
			if d := cmp.Diff(idsOf(want), ids(t, js)); d != "" {
				t.Errorf("stream (-want +got):\n%s", d)
			}
			if o.size() != 0 {
				t.Errorf("%d events are left in the outbox", o.size())
			}
		})
	}
}

func TestRelayKeepsTheMessageAsItIs(t *testing.T) {
	t.Parallel()
	js := connect(t)
	o := newOutbox()
	e := newEvent(t, "ref-1", 1, `{"a" : "<&>", "b":1.0}`)
	o.add(e)
	drain(t, newRelay(t, js, o, streamConfig()))
	s, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, added := range []string{"Nats-Sequence", "Nats-Stream", "Nats-Subject", "Nats-Time-Stamp"} {
		m.Header.Del(added) // by reading it in this way
	}
	want := e.Message(prefix)
	if d := cmp.Diff(want, event.Message{Subject: m.Subject, Header: m.Header, Data: m.Data}); d != "" {
		t.Errorf("stored message (-want +got):\n%s", d)
	}
}

// errCrash stands for the end of the process between the stream's ack and the
// outbox's commit.
var errCrash = errors.New("crash")

// TestFault37ResumesPastTheDuplicateWindow lets the process end between ack and
// delete, and waits until the server has forgotten the ids: only the look at
// what the stream holds is left to prevent a double.
func TestFault37ResumesPastTheDuplicateWindow(t *testing.T) {
	t.Parallel()
	js := connect(t)
	c := jetstream.StreamConfig{
		Name: streamName, Subjects: []string{prefix + ".>"}, MaxAge: time.Hour,
		Duplicates: 100 * time.Millisecond, AllowAtomicPublish: true,
	}
	if _, err := js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	o := newOutbox()
	want := events(t, 10)
	o.add(want...)
	crashAfterAck(t, js, o)
	if got := ids(t, js); len(got) != len(want) {
		t.Fatalf("%d events in the stream, want all %d: the crash was to be after the ack", len(got), len(want))
	}
	forgotten(t, js)

	more := newEvent(t, "ref-1", 11, `{}`)
	o.add(more)
	drain(t, newRelay(t, js, o, streamConfig()))
	var got []string
	for _, id := range ids(t, js) {
		if strings.HasPrefix(id, storeID) {
			got = append(got, id)
		}
	}
	if d := cmp.Diff(idsOf(append(want, more)), got); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
}

// TestTheLookIsNeeded checks the test above: with a place that claims that
// there is nothing to look at, the same story doubles the events.
func TestTheLookIsNeeded(t *testing.T) {
	t.Parallel()
	js := connect(t)
	c := jetstream.StreamConfig{
		Name: streamName, Subjects: []string{prefix + ".>"}, MaxAge: time.Hour,
		Duplicates: 100 * time.Millisecond, AllowAtomicPublish: true,
	}
	if _, err := js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	o := newOutbox()
	o.add(events(t, 10)...)
	crashAfterAck(t, js, o)
	forgotten(t, js)
	o.note = nil // a relay without a note starts behind what is there
	drain(t, newRelay(t, js, o, streamConfig()))
	if got := len(ids(t, js)); got < 20 {
		t.Errorf("%d messages, want the ten events twice", got)
	}
}

func crashAfterAck(t *testing.T, js jetstream.JetStream, o *outbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	first := true // the note that the relay makes before it publishes
	o.fail = func(string) error {
		if first {
			first = false
			return nil
		}
		cancel()
		return errCrash
	}
	if err := newRelay(t, js, o, streamConfig()).Run(ctx, ctx); err != nil {
		t.Fatal(err)
	}
	o.fail = nil
}

// forgotten returns once the server takes an id again that it has seen.
func forgotten(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	probe := func(id string) bool {
		ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: prefix + ".probe"}, jetstream.WithMsgID(id))
		if err != nil {
			t.Fatal(err)
		}
		return ack.Duplicate
	}
	probe("probe")
	for deadline := time.Now().Add(testTimeout); probe("probe"); {
		if time.Now().After(deadline) {
			t.Fatal("the server does not forget an id")
		}
	}
}

func TestRelayAfterTheStreamWasMadeAgain(t *testing.T) {
	t.Parallel()
	js := connect(t)
	o := newOutbox()
	all := events(t, 6)
	o.add(all[:3]...)
	drain(t, newRelay(t, js, o, streamConfig()))
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	o.add(all[3:]...)
	drain(t, newRelay(t, js, o, streamConfig()))
	if d := cmp.Diff(idsOf(all), ids(t, js)); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
}

func TestRelayParksWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	js := connect(t)
	o := newOutbox()
	large := `{"x":"` + strings.Repeat("x", int(js.Conn().MaxPayload())) + `"}`
	before, huge, after := newEvent(t, "a", 1, `{}`), newEvent(t, "b", 1, large), newEvent(t, "c", 1, `{}`)
	o.add(before, huge, after)
	drain(t, newRelay(t, js, o, streamConfig()))
	if d := cmp.Diff(idsOf([]event.Event{before, after}), ids(t, js)); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
	if len(o.parked) != 1 || !strings.Contains(o.parked[0], "bytes") {
		t.Errorf("parked %q, want one with its size as the reason", o.parked)
	}
}

// TestRelayTakesEventsAsTheyCome runs as the daemon does.
func TestRelayTakesEventsAsTheyCome(t *testing.T) {
	t.Parallel()
	js := connect(t)
	o := newOutbox()
	r := newRelay(t, js, o, streamConfig())
	if r.Ready() == nil {
		t.Error("ready before it ran")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, t.Context()) }()
	want := events(t, 40)
	for _, e := range want {
		o.add(e)
	}
	cancel() // what was added before must be published all the same
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(idsOf(want), ids(t, js)); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
	if err := r.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}

// The server goes away while the relay reads what the stream holds: it must
// end all the same when it is told to.
func TestRelayEndsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, err := natsd.Start(t.Context(), natsd.Options{StoreDir: dir, Listen: natsd.ListenOff, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	nc, err := server.Connect(nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	o := newOutbox()
	o.add(events(t, 3000)...)
	drain(t, newRelay(t, js, o, streamConfig()))
	// A place at the beginning, so that there is much to read.
	o.note = []byte(strings.Replace(string(o.note), `"behind":3000`, `"behind":1`, 1))
	o.add(events(t, 1)...)
	prepared := make(chan struct{}, 100)
	r, err := publish.NewRelay(publish.RelayOptions{
		Outbox: o, Store: storeID, Relayed: o.relayed, Note: o.note, Wake: o.wake, Prefix: prefix, Log: quiet,
		Stream: publish.NewJetStream(js, func(ctx context.Context) (jetstream.Stream, error) {
			defer func() { prepared <- struct{}{} }()
			return ensure(ctx, js, streamConfig())
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, ctx) }()
	<-prepared
	server.Stop()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(testTimeout):
		t.Fatal("it does not end")
	}
}
