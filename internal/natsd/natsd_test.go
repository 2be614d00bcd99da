package natsd_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

func TestListenerWithToken(t *testing.T) {
	t.Parallel()
	s := start(t, natsd.Options{Listen: "127.0.0.1:0", Token: "open-sesame"})
	if _, port, err := net.SplitHostPort(s.Addr()); err != nil || port == "0" {
		t.Fatalf("Addr() = %q, want the real port", s.Addr())
	}
	if err := s.Healthy(); err != nil {
		t.Errorf("Healthy() = %v", err)
	}
	for _, tt := range []struct {
		name string
		opts []nats.Option
		want error
	}{
		{"without token", nil, nats.ErrAuthorization},
		{"wrong token", []nats.Option{nats.Token("open-barley")}, nats.ErrAuthorization},
		{"right token", []nats.Option{nats.Token("open-sesame")}, nil},
	} {
		nc, err := nats.Connect("nats://"+s.Addr(), tt.opts...)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if nc != nil {
			nc.Close()
		}
	}
	_, js := connect(t, s)
	makeStream(t, js)
	publish(t, js, 1)
}

func TestListenerWithoutToken(t *testing.T) {
	t.Parallel()
	s := start(t, natsd.Options{Listen: "localhost:0"})
	nc, err := nats.Connect("nats://" + s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}

func TestInProcessOnly(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "open-sesame"} {
		s := start(t, natsd.Options{Listen: natsd.ListenOff, Token: token})
		if got := s.Addr(); got != "" {
			t.Errorf("Addr() = %q, want none", got)
		}
		_, js := connect(t, s)
		st := makeStream(t, js)
		publish(t, js, 2)
		if diff := cmp.Diff([]string{"1", "2"}, stored(t, st)); diff != "" {
			t.Errorf("token %q: stored messages (-want +got):\n%s", token, diff)
		}
	}
}

func TestNothingElseIsOpen(t *testing.T) {
	t.Parallel()
	s := start(t, natsd.Options{Listen: "127.0.0.1:0"})
	if open := s.OtherListeners(); open != nil {
		t.Errorf("also listening on %v", open)
	}
	nc, _ := connect(t, s)
	_, err := nc.Request("$SYS.REQ.SERVER.PING", nil, time.Minute)
	if !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("request to the system account: got %v, want %v", err, nats.ErrNoResponders)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := natsd.Options{StoreDir: t.TempDir(), Listen: l.Addr().String()}
	_, err = natsd.Start(t.Context(), o)
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("got %v, want %v", err, syscall.EADDRINUSE)
	}
	for _, want := range []string{"NOTIFIER_NATS_LISTEN=" + o.Listen, "choose another", natsd.ListenOff} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not contain %q", err, want)
		}
	}
	// The attempt has left the store alone, and TestMain sees what it left running.
	l.Close()
	s := start(t, o)
	if s.Addr() != o.Listen {
		t.Errorf("Addr() = %s, want %s", s.Addr(), o.Listen)
	}
}

func TestStoreCannotBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, dir string }{
		{"a file in its folder", dir},
		{"a file in its place", filepath.Join(dir, "jetstream")},
	} {
		_, err := natsd.Start(t.Context(), natsd.Options{StoreDir: tt.dir, Listen: natsd.ListenOff})
		if err == nil || !strings.Contains(err.Error(), tt.dir) {
			t.Errorf("%s: got %v, want an error that names the folder", tt.name, err)
		}
	}
}

func TestStartCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "store")
	_, err := natsd.Start(ctx, natsd.Options{StoreDir: dir, Listen: natsd.ListenOff})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was made all the same: %v", err)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	s := start(t, natsd.Options{Listen: "127.0.0.1:0"})
	nc, err := nats.Connect("nats://"+s.Addr(), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(s.Stop)
		// Probes may come at any time; the race detector watches this one.
		wg.Go(func() { _ = s.Healthy() })
	}
	wg.Wait()
	if c, err := net.Dial("tcp", s.Addr()); err == nil {
		c.Close()
		t.Error("the listener is still open")
	}
	if err := s.Healthy(); err == nil {
		t.Error("Healthy() = nil after Stop")
	}
	if c, err := s.Connect(); err == nil {
		c.Close()
		t.Error("Connect works after Stop")
	}
	if err := s.Restart(t.Context()); err == nil {
		t.Error("Restart works after Stop")
	}
}
