package publish_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// slowSink takes a millisecond for each event, as an endpoint near by does.
type slowSink struct{ taken chan struct{} }

func (slowSink) Name() string { return "test" }

func (s slowSink) Deliver(context.Context, event.Event) error {
	time.Sleep(time.Millisecond)
	s.taken <- struct{}{}
	return nil
}

// BenchmarkDelivery delivers 10,000 events of 1,000 calls.
func BenchmarkDelivery(b *testing.B) {
	const callCount, revisions = 1000, 10
	s, err := natsd.Start(b.Context(), natsd.Options{StoreDir: b.TempDir(), Listen: natsd.ListenOff, Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Stop)
	nc, err := s.Connect(nats.ReconnectBufSize(-1))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(callCount*revisions))
	if err != nil {
		b.Fatal(err)
	}
	stream, err := ensure(b.Context(), js, streamConfig())
	if err != nil {
		b.Fatal(err)
	}
	for n := range callCount * revisions {
		e := newEvent(b, fmt.Sprintf("call-%d", n%callCount), uint64(n/callCount+1), `{}`)
		m := e.Message(prefix)
		_, err := js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: nats.Header(m.Header), Data: m.Data})
		if err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprintf("concurrent=%d", n), func(b *testing.B) {
			for range b.N {
				taken := slowSink{make(chan struct{}, callCount*revisions)}
				// Each time as on the first day.
				d := publish.NewDelivery(publish.DeliveryOptions{
					Sink: taken, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
					Concurrent: n, Since: time.Unix(0, 0), Places: &lot{}, Log: quiet,
				})
				if err := d.Prepare(stream); err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				done := make(chan error)
				go func() { done <- d.Run(ctx, b.Context()) }()
				for range callCount * revisions {
					<-taken.taken
				}
				cancel()
				if err := <-done; err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := js.DeleteConsumer(b.Context(), streamName, "notifier-test-"+storeID); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(callCount*revisions*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
