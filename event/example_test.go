package event_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
)

// A subscriber hands headers and body of a message to Decode, and finds in
// the event what changed and the platform's own object.
func ExampleDecode() {
	msg := nats.Msg{
		Subject: "syllable.request.failed.1.20260822%2E9",
		Header: nats.Header{
			"ce-specversion": {"1.0"},
			"ce-id":          {"s7k2m4p9x1qa.20260822%2E9.12345.3"},
			"ce-type":        {"syllable.request.failed"},
			"ce-source":      {"https://api.syllable.cloud/api/v1/outbound/batches/20260822%2E9"},
			"ce-subject":     {"12345"},
			"ce-time":        {"2026-08-22T10:00:15Z"},
			"ce-sequence":    {"0000000003"},
			"Content-Type":   {"application/json"},
		},
		Data: []byte(`{"batch_id":"20260822.9","campaign_id":1,"reference_id":"12345",` +
			`"field":"request_status","from":"INITIATED","to":"FAILED","revision":3,` +
			`"observed":{"after":"2026-08-22T10:00:00Z","until":"2026-08-22T10:00:15Z"},` +
			`"result":{"reference_id":"12345","target":"512-555-0123","request_status":"FAILED","attempt_count":1}}`),
	}
	ev, err := event.Decode(msg.Header, msg.Data)
	if err != nil {
		fmt.Println(err)
		return
	}
	call, err := ev.Call()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ev.Name, "at", ev.Time)
	fmt.Println("call", call.ReferenceID, "of batch", call.BatchID, "was", *call.From, "and is", *call.To)
	// Output:
	// request.failed at 2026-08-22 10:00:15 +0000 UTC
	// call 12345 of batch 20260822.9 was INITIATED and is FAILED
}

// The manifest of a completed batch says how many calls there were, and how many
// events: a subscriber that has seen as many has missed none.
func ExampleEvent_Batch() {
	msg := nats.Msg{
		Subject: "syllable.batch.completed.1.20260822%2E9",
		Header: nats.Header{
			"ce-specversion": {"1.0"},
			"ce-id":          {"s7k2m4p9x1qa.20260822%2E9.~batch.3"},
			"ce-type":        {"syllable.batch.completed"},
			"ce-source":      {"https://api.syllable.cloud/api/v1/outbound/batches/20260822%2E9"},
			"ce-time":        {"2026-08-22T18:00:00Z"},
			"ce-sequence":    {"0000000003"},
			"Content-Type":   {"application/json"},
		},
		Data: []byte(`{"batch_id":"20260822.9","campaign_id":1,"revision":3,` +
			`"observed":{"after":"2026-08-22T17:59:45Z","until":"2026-08-22T18:00:00Z"},` +
			`"manifest":{"calls":3,"request_status":{"COMPLETED":2,"FAILED":1},` +
			`"channel_manager_status":{"BUSY":1,"COMPLETED":2},"insights_status":{"COMPLETED":2,"null":1},` +
			`"events":31,"first":"2026-08-22T10:00:15Z","last":"2026-08-22T17:54:30Z"},` +
			`"batch":{"batch_id":"20260822.9","status":"ACTIVE"}}`),
	}
	ev, err := event.Decode(msg.Header, msg.Data)
	if err != nil {
		fmt.Println(err)
		return
	}
	if ev.ID.Scope != event.ScopeBatch || ev.Name != event.BatchCompleted {
		return
	}
	batch, err := ev.Batch()
	if err != nil || batch.Manifest == nil { // the platform may have a status of that name
		return
	}
	m := batch.Manifest
	fmt.Printf("batch %s: %d calls, %d failed, %d events\n", batch.BatchID, m.Calls, m.RequestStatus["FAILED"], m.Events)
	// Output:
	// batch 20260822.9: 3 calls, 1 failed, 31 events
}

// A durable consumer gets every failed call at least once, in order, and goes
// on where it stopped.
func ExampleDecode_jetStream() {
	nc, err := nats.Connect("nats://127.0.0.1:4222")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := redial(ctx, nc); err != nil {
		fmt.Println(err)
	}
}

func redial(ctx context.Context, nc *nats.Conn) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := js.CreateOrUpdateConsumer(ctx, "SYLLABLE", jetstream.ConsumerConfig{
		Durable:       "redialler",
		FilterSubject: "syllable.request.failed.>",
		MaxAckPending: 1, // one at a time: a retry does not change the order
	})
	if err != nil {
		return err
	}
	handling, err := consumer.Consume(func(msg jetstream.Msg) {
		ev, err := event.Decode(msg.Headers(), msg.Data())
		if err != nil { // no retry will make it readable
			_ = msg.TermWithReason(err.Error())
			return
		}
		if err := handle(ev); err != nil {
			_ = msg.NakWithDelay(5 * time.Second)
			return
		}
		_ = msg.Ack() // only now: whoever acknowledges first may lose the event
	})
	if err != nil {
		return err
	}
	defer handling.Stop()
	<-ctx.Done()
	return nil
}

// handle does the work, unless the event's id was handled before.
func handle(event.Event) error { return nil }
