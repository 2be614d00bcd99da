package natsd_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	const hash = "$2a$11$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabc"
	for _, tt := range []struct {
		name string
		o    natsd.Options
		want string
	}{
		{"no folder", natsd.Options{Listen: natsd.ListenOff}, "folder"},
		{"negative store", natsd.Options{StoreDir: "s", Listen: natsd.ListenOff, MaxStore: -1}, "-1 bytes"},
		{"nothing", natsd.Options{StoreDir: "s"}, "NOTIFIER_NATS_LISTEN"},
		{"no port", natsd.Options{StoreDir: "s", Listen: "127.0.0.1"}, "want host:port"},
		{"port by name", natsd.Options{StoreDir: "s", Listen: "127.0.0.1:nats"}, "NOTIFIER_NATS_LISTEN"},
		{"port too high", natsd.Options{StoreDir: "s", Listen: "127.0.0.1:65536"}, "65535"},
		{"all addresses", natsd.Options{StoreDir: "s", Listen: ":4222"}, "NOTIFIER_NATS_TOKEN"},
		{"all addresses, v4", natsd.Options{StoreDir: "s", Listen: "0.0.0.0:4222"}, "NOTIFIER_NATS_TOKEN"},
		{"all addresses, v6", natsd.Options{StoreDir: "s", Listen: "[::]:4222"}, "NOTIFIER_NATS_TOKEN"},
		{"a name", natsd.Options{StoreDir: "s", Listen: "nats.example:4222"}, "NOTIFIER_NATS_TOKEN"},
		{"hash", natsd.Options{StoreDir: "s", Listen: natsd.ListenOff, Token: hash}, "NOTIFIER_NATS_TOKEN"},
	} {
		s, err := natsd.Start(t.Context(), tt.o)
		if err == nil {
			s.Stop()
			t.Errorf("%s: started", tt.name)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q does not contain %q", tt.name, err, tt.want)
		}
		if strings.Contains(err.Error(), hash) {
			t.Errorf("%s: %q contains the token", tt.name, err)
		}
	}
}

// With a token the server may be reached from other machines, and warns that
// what it sends can be read on the way.
func TestOpenListenerWarns(t *testing.T) {
	t.Parallel()
	var log buffer
	s := start(t, natsd.Options{Listen: "0.0.0.0:0", Token: "open-sesame", Log: log.logger(slog.LevelInfo)})
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "not encrypted") {
		t.Errorf("want one warning, got:\n%s", got)
	}
}

// At the most talkative level, with clients that fail and succeed to log in,
// no token is printed.
func TestLogHasNoToken(t *testing.T) {
	t.Parallel()
	var log buffer
	s := start(t, natsd.Options{Listen: "127.0.0.1:0", Token: "open-sesame", Log: log.logger(slog.LevelDebug - 4)})
	nc, _ := connect(t, s)
	nc.Close()
	if _, err := nats.Connect("nats://"+s.Addr(), nats.Token("open-barley")); !errors.Is(err, nats.ErrAuthorization) {
		t.Fatal(err)
	}
	s.Stop()
	got := log.String()
	for _, want := range []string{"level=INFO", "level=DEBUG", "level=ERROR", "Server Exiting"} {
		if !strings.Contains(got, want) {
			t.Errorf("the log does not contain %q", want)
		}
	}
	for _, secret := range []string{"sesame", "barley"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log contains %q:\n%s", secret, got)
		}
	}
}

// What nats-server would print of the token is taken out.
func TestLoggerLevels(t *testing.T) {
	t.Parallel()
	var log buffer
	l := natsd.NewLogger(log.logger(slog.LevelDebug-4), "open-sesame")
	l.Debugf(" a %d", 1)
	l.Noticef("b")
	l.Warnf("c %s", "open-sesame")
	l.Errorf("d")
	l.Tracef("payload")
	l.Fatalf("returned by Start")
	want := `level=DEBUG msg="nats server" text="a 1"
level=DEBUG msg="nats server" text=b
level=WARN msg="nats server" text="c [redacted]"
level=ERROR msg="nats server" text=d
`
	if got := log.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// buffer keeps log lines; servers log from many goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// logger returns a logger to the buffer, without times.
func (b *buffer) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
