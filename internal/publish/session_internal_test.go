package publish

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
)

// nowhere is a sink that is never asked.
type nowhere struct{ Sink }

func (nowhere) Name() string { return "test" }

// message is one that a server has sent.
type message struct {
	jetstream.Msg
	sequence uint64
	e        event.Message
}

func (m message) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: m.sequence, Consumer: m.sequence}}, nil
}

func (m message) Headers() nats.Header { return m.e.Header }

func (m message) Data() []byte { return m.e.Data }

// newTestSession returns a session that asks nobody for anything.
func newTestSession(info *jetstream.ConsumerInfo) *session {
	o := &onePlace{}
	d := NewDelivery(DeliveryOptions{
		Sink: nowhere{}, Store: "s", Stream: "A", Concurrent: 2, Places: o, Log: slog.New(slog.DiscardHandler),
	})
	return &session{Delivery: d, schedule: newSchedule(), recovery: newRecovery(info)}
}

func messageOf(t *testing.T, sequence, revision uint64) message {
	t.Helper()
	to := "FAILED"
	data, err := event.Call{
		BatchID: "b", ReferenceID: "r", Field: event.FieldRequestStatus, To: &to, Revision: revision,
		Result: []byte(`{"reference_id":"r"}`),
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return message{sequence: sequence, e: event.Event{
		ID:   event.ID{Store: "s", Batch: "b", Reference: "r", Revision: revision},
		Name: event.Name(event.KindRequest, &to), Source: event.Source("https://api.example.com", "b"), Data: data,
	}.Message("syllable")}
}

// The server has lost the end of its stream while events of it are in hand: what
// it has under their sequences now must not be acknowledged in their name.
func TestSessionAcknowledgesNothingOfAStreamThatLostItsEnd(t *testing.T) {
	t.Parallel()
	s := newTestSession(serverWaits(0, 0, 0))
	s.receive(messageOf(t, 1, 1))
	s.receive(messageOf(t, 2, 2))
	under := s.schedule.next(1, recentEvents, nil)
	s.ending = true // so that nobody has to be there to be asked for an end
	s.receive(messageOf(t, 2, 3))
	s.held(func(jetstream.Msg) { t.Error("something is still held") })
	s.recent.add(under.event.ID) // it was delivered, and not acknowledged
	if r := s.attempt(context.Background(), under, true); !r.done || r.err == nil {
		t.Errorf("what was under way is done: %v, with error %v; want that it is not acknowledged", r.done, r.err)
	}
}

// What the server says that it waits for does not come, ever.
func TestSessionGivesUpToWait(t *testing.T) {
	t.Parallel()
	s := newTestSession(serverWaits(3, 7, 9))
	s.recover(0)
	s.looking = true // an answer that takes its time
	s.look(t.Context())
	if s.recovery.complete {
		t.Error("it has given up at once")
	}
	s.looking, s.giveUp = false, time.Now().Add(-time.Second)
	s.look(t.Context())
	if !s.recovery.complete {
		t.Error("it waits for ever")
	}
}
