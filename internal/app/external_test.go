package app_test

import (
	"io"
	"log/slog"
	"net"
	"strconv"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// external starts a server that the daemon does not own, and returns its URL.
func external(t *testing.T, o natsd.Options) string {
	t.Helper()
	o.StoreDir, o.Listen, o.Log = t.TempDir(), "127.0.0.1:0", quiet
	s, err := natsd.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return "nats://" + s.Addr()
}

// theirs starts a nats-server with options of its own, such as users, that ends
// with the test. It listens at a free port unless the options name one.
func theirs(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	if o.Host = "127.0.0.1"; o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if o.JetStream && o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { end(s) })
	if !s.ReadyForConnections(testTimeout) {
		t.Fatal("the server does not take connections")
	}
	return s
}

func end(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// portOf returns where a server listens, for another one to take its place.
func portOf(t *testing.T, s *server.Server) int {
	t.Helper()
	_, text, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
