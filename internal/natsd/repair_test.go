package natsd_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

const durable = "reader"

// store makes a store with a stream of so many messages and a consumer that
// has read one of them if there is one, and returns its folder and the stream's.
func store(t *testing.T, messages int) (dir, stream string) {
	t.Helper()
	dir = t.TempDir()
	s := start(t, natsd.Options{StoreDir: dir})
	nc, js := connect(t, s)
	makeStream(t, js)
	c, err := js.CreateConsumer(t.Context(), streamName, jetstream.ConsumerConfig{
		Durable: durable, AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	if messages > 0 {
		publish(t, js, messages)
		m, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	nc.Close()
	s.Stop()
	return dir, filepath.Join(dir, "jetstream", "$G", "streams", streamName)
}

// A process that ends while it makes a stream leaves it without a checksum.
// Without the repair, the server would lose the stream at every later start.
func TestRepairOfACreationThatWasCutOff(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(stream string) error{
		"no sum":   func(s string) error { return os.Remove(filepath.Join(s, "meta.sum")) },
		"half sum": func(s string) error { return os.Truncate(filepath.Join(s, "meta.sum"), 10) },
		"half configuration, no sum": func(s string) error {
			return errors.Join(os.Truncate(filepath.Join(s, "meta.inf"), 10), os.Remove(filepath.Join(s, "meta.sum")))
		},
		"no configuration": func(s string) error {
			return errors.Join(os.Remove(filepath.Join(s, "meta.inf")), os.Remove(filepath.Join(s, "meta.sum")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, stream := store(t, 0)
			if err := leave(stream); err != nil {
				t.Fatal(err)
			}
			s := start(t, natsd.Options{StoreDir: dir})
			_, js := connect(t, s)
			makeStream(t, js)
			publish(t, js, 3)
			s.Stop()
			wantMessages(t, dir, 3)
		})
	}
}

func wantMessages(t *testing.T, dir string, want uint64) jetstream.JetStream {
	t.Helper()
	_, js := connect(t, start(t, natsd.Options{StoreDir: dir}))
	s, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.CachedInfo().State.Msgs; got != want {
		t.Errorf("%d messages, want %d", got, want)
	}
	return js
}

// A process that ends while it changes a stream's configuration leaves the sum
// of the old one; its messages and the place of its consumers must stay.
func TestRepairOfAChangeThatWasCutOff(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(stream string) error{
		"the stream's": func(s string) error { return os.Truncate(filepath.Join(s, "meta.sum"), 10) },
		"the consumer's": func(s string) error {
			return os.Remove(filepath.Join(s, "obs", durable, "meta.sum"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, stream := store(t, 3)
			if err := leave(stream); err != nil {
				t.Fatal(err)
			}
			js := wantMessages(t, dir, 3)
			c, err := js.Consumer(t.Context(), streamName, durable)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.CachedInfo().AckFloor.Stream; got != 1 {
				t.Errorf("the consumer is at %d, want 1", got)
			}
		})
	}
}

// A consumer whose creation was cut off is made again.
func TestRepairOfAConsumer(t *testing.T) {
	t.Parallel()
	dir, stream := store(t, 3)
	consumer := filepath.Join(stream, "obs", durable)
	for _, name := range []string{"o.dat", "meta.sum"} {
		if err := os.Remove(filepath.Join(consumer, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, natsd.Options{StoreDir: dir})
	_, js := connect(t, s)
	_, err := js.CreateConsumer(t.Context(), streamName, jetstream.ConsumerConfig{
		Durable: durable, AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	js = wantMessages(t, dir, 3)
	if _, err := js.Consumer(t.Context(), streamName, durable); err != nil {
		t.Errorf("the consumer made again is gone after a restart: %v", err)
	}
}

// A stream that holds messages and has lost its configuration, and a consumer, are
// put aside with all they hold, and can be made again for good.
func TestFault38ConfigurationLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(stream string) error{
		"stream, removed": func(s string) error { return os.Remove(filepath.Join(s, "meta.inf")) },
		"stream, cut":     func(s string) error { return os.Truncate(filepath.Join(s, "meta.inf"), 10) },
		"stream, empty":   func(s string) error { return os.Truncate(filepath.Join(s, "meta.inf"), 0) },
		"consumer, cut":   func(s string) error { return os.Truncate(filepath.Join(s, "obs", durable, "meta.inf"), 10) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, stream := store(t, 3)
			if err := lose(stream); err != nil {
				t.Fatal(err)
			}
			isStream := strings.HasPrefix(name, "stream")
			var log buffer
			s := start(t, natsd.Options{StoreDir: dir, Log: log.logger(slog.LevelError)})
			nc, js := connect(t, s)
			if isStream {
				if _, err := js.Stream(t.Context(), streamName); !errors.Is(err, jetstream.ErrStreamNotFound) {
					t.Errorf("error %v, want that there is no stream", err)
				}
				makeStream(t, js)
				publish(t, js, 3)
			} else if _, err := js.Consumer(t.Context(), streamName, durable); err == nil {
				t.Error("the consumer is there")
			}
			if err := s.Healthy(); err != nil {
				t.Errorf("not healthy: %v", err)
			}
			nc.Close()
			s.Stop()
			wantAside(t, dir, &log, isStream)
			wantMessages(t, dir, 3)
		})
	}
}

// wantAside wants that one thing was put aside, with its messages, and told.
func wantAside(t *testing.T, dir string, log *buffer, isStream bool) {
	t.Helper()
	put, err := filepath.Glob(filepath.Join(dir, streamName+"*.damaged-*"))
	if err != nil || len(put) != 1 {
		t.Fatalf("put aside %q, error %v; want one", put, err)
	}
	if !strings.Contains(log.String(), put[0]) || strings.Contains(log.String(), "messages=3") != isStream {
		t.Errorf("not told in full: %s", log)
	}
	want := filepath.Join(put[0], "o.dat")
	if isStream {
		want = filepath.Join(put[0], "msgs", "1.blk")
	}
	if info, err := os.Stat(want); err != nil || info.Size() == 0 {
		t.Errorf("what was put aside has lost what it held: %v", err)
	}
}

// A stream whose configuration goes while the server runs goes on until a restart,
// at which it is put aside.
func TestFault38ConfigurationLostLive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, natsd.Options{StoreDir: dir})
	nc, js := connect(t, s)
	makeStream(t, js)
	publish(t, js, 3)
	stream := filepath.Join(dir, "jetstream", "$G", "streams", streamName)
	if err := os.Remove(filepath.Join(stream, "meta.inf")); err != nil {
		t.Fatal(err)
	}
	publish(t, js, 1)
	if err := s.Healthy(); err != nil {
		t.Errorf("not healthy: %v", err)
	}
	back := make(chan struct{})
	nc.SetReconnectHandler(func(*nats.Conn) { close(back) })
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-back
	_, err := js.Stream(t.Context(), streamName)
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("error %v, want that there is no stream", err)
	}
}
