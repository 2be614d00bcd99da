package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/publish"
	"github.com/syllable-notifier/notifier/internal/store"
)

// fullDisk is a state that keeps no place.
type fullDisk struct{ err error }

func (f *fullDisk) Place(string) ([]byte, error) { return nil, nil }

func (f *fullDisk) PutPlace(string, []byte) error { return f.err }

// refusingSink takes no event, ever.
type refusingSink struct{}

func (refusingSink) Name() string { return "test" }

func (refusingSink) Deliver(context.Context, event.Event) error {
	return publish.Permanent(errors.New("never"))
}

// withoutConsumers is a server that makes no consumer.
type withoutConsumers struct{ jetstream.JetStream }

func (withoutConsumers) CreateConsumer(
	context.Context, string, jetstream.ConsumerConfig,
) (jetstream.Consumer, error) {
	return nil, errors.New("permissions violation")
}

// Publishing waits for the place of each sink to be kept, and for no more than
// that.
func TestNothingIsPublishedBeforeTheSinksHavePlaces(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.DataDir, c.NATSListen = t.TempDir(), config.Off
	a := &App{cfg: c, log: slog.New(slog.DiscardHandler)}
	t.Cleanup(a.Close)
	if err := a.openNATS(t.Context()); err != nil {
		t.Fatal(err)
	}
	places := &fullDisk{err: errors.New("no space left on device")}
	a.deliveries = []*publish.Delivery{publish.NewDelivery(publish.DeliveryOptions{
		Sink: refusingSink{}, JetStream: withoutConsumers{a.js}, Stream: c.NATSStream, Store: "s",
		Subject: ">", Places: places, Log: a.log,
	})}
	prepare := a.prepareStream()
	if _, err := prepare(t.Context()); !errors.Is(err, places.err) {
		t.Errorf("error %v, want that the place is not kept", err)
	}
	places.err = nil
	if _, err := prepare(t.Context()); err != nil {
		t.Error(err)
	}
}

// That a delivery finds the state damaged ends the daemon.
func TestDamageFoundWhileDelivering(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.SyllableURL, c.SyllableAPIKey = "http://127.0.0.1:1", "key" // nobody is there
	c.DataDir, c.NATSListen, c.HTTPAddr = t.TempDir(), config.Off, config.Off
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, err := New(ctx, c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a.deliveries = append(a.deliveries, publish.NewDelivery(publish.DeliveryOptions{
		Sink: refusingSink{}, JetStream: a.js, Stream: c.NATSStream, Store: a.store.ID(),
		Subject: c.NATSSubjectPrefix + ".>", Places: a.store, Damaged: damaged, Log: a.log,
		Park: func(string, string, event.Event) error { return fmt.Errorf("park: %w", store.ErrDamaged) },
	}))
	_, err = a.prepareStream()(ctx)
	if err == nil {
		err = publishOne(ctx, a)
	}
	if err != nil {
		a.Close()
		t.Fatal(err)
	}
	if err := a.Run(ctx); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("error %v, want that the state is damaged", err)
	}
}

// publishOne puts an event of the App's store into the stream.
func publishOne(ctx context.Context, a *App) error {
	to := "FAILED"
	data, err := event.Call{
		BatchID: "b", ReferenceID: "r", Field: event.FieldRequestStatus, To: &to, Revision: 1, Result: []byte(`{}`),
	}.Encode()
	if err != nil {
		return err
	}
	m := event.Event{
		ID:   event.ID{Store: a.store.ID(), Batch: "b", Reference: "r", Revision: 1},
		Name: event.Name(event.KindRequest, &to), Source: event.Source("https://api.example.com", "b"), Data: data,
	}.Message(a.cfg.NATSSubjectPrefix)
	_, err = a.js.PublishMsg(ctx, &nats.Msg{Subject: m.Subject, Header: nats.Header(m.Header), Data: m.Data})
	return err
}

func TestOnlyDamageIsBeyondTrying(t *testing.T) {
	t.Parallel()
	if !damaged(fmt.Errorf("outbox: %w", store.ErrDamaged)) || damaged(errors.New("no space left on device")) {
		t.Error("damage and a full disk are not told apart")
	}
}
