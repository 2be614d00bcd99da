package publish

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/natsd"
)

// A server that was started again may have lost the end of the stream: nothing is
// published to it before it was looked at.
func TestNothingIsPublishedUnseenAfterAReconnect(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := natsd.Start(ctx, natsd.Options{StoreDir: t.TempDir(), Listen: natsd.ListenOff})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	again := make(chan struct{}, 1)
	conn, err := server.Connect(nats.ReconnectBufSize(-1), nats.ReconnectHandler(func(*nats.Conn) { again <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	maker := NewStreamMaker(js, StreamConfig{Name: "S", Prefix: "p", MaxAge: time.Hour, Replicas: 1, Owned: true},
		slog.New(slog.DiscardHandler))
	s := NewJetStream(js, maker.Ensure)
	if _, err := s.Open(ctx); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	select {
	case <-again:
	case <-ctx.Done():
		t.Fatal("no connection after the restart")
	}
	m := event.Message{Subject: "p.a.b.c.d", Header: map[string][]string{event.HeaderID: {"x"}}}
	if _, err := s.Publish(ctx, []event.Message{m}); !errors.Is(err, errReconnected) {
		t.Errorf("error %v, want that the stream has to be looked at", err)
	}
	info, err := s.Open(ctx)
	if err != nil || info.Last != 0 {
		t.Errorf("the stream ends at %d, error %v", info.Last, err)
	}
	if ack, err := s.Publish(ctx, []event.Message{m}); err != nil || ack.New != 1 {
		t.Errorf("after the look: %+v, error %v", ack, err)
	}
	if err := s.took("T"); err == nil {
		t.Error("another stream took it")
	}
}
