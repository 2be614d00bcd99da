package natsd_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

// The limit of the store decides how nats-server makes its settings: each way
// must keep SyncAlways.
func TestSyncAlways(t *testing.T) {
	t.Parallel()
	for _, maxStore := range []int64{0, 64 << 20} {
		s := start(t, natsd.Options{MaxStore: maxStore})
		c := s.JetStreamConfig()
		if !c.SyncAlways {
			t.Errorf("MaxStore %d: SyncAlways is off", maxStore)
		}
		if c.MaxStore <= 0 || maxStore > 0 && c.MaxStore != maxStore {
			t.Errorf("MaxStore %d: the server has %d", maxStore, c.MaxStore)
		}
	}
}

func TestStoreIsPrivate(t *testing.T) {
	t.Parallel()
	loose := filepath.Join(t.TempDir(), "loose")
	if err := os.Mkdir(loose, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(loose, 0o777); err != nil { // Mkdir is subject to the umask
		t.Fatal(err)
	}
	for _, dir := range []string{loose, filepath.Join(t.TempDir(), "data", "new")} {
		s := start(t, natsd.Options{StoreDir: dir})
		_, js := connect(t, s)
		makeStream(t, js)
		publish(t, js, 1)
		files := 0
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			files++
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return err
		})
		if err != nil || files < 5 {
			t.Errorf("walked %d files in %s: %v", files, dir, err)
		}
	}
}

func TestNextServerFindsStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, natsd.Options{StoreDir: dir})
	nc, js := connect(t, s)
	st := makeStream(t, js)
	publish(t, js, 5)
	c, err := st.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "sink"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
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

	_, js = connect(t, start(t, natsd.Options{StoreDir: dir}))
	st, err = js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "2", "3", "4", "5"}, stored(t, st)); diff != "" {
		t.Errorf("stored messages (-want +got):\n%s", diff)
	}
	c, err = st.Consumer(t.Context(), "sink")
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.Data()); got != "3" {
		t.Errorf("the consumer goes on with message %s, want 3", got)
	}
}

// A connection made before a restart is good after it, at the same address.
func TestRestart(t *testing.T) {
	t.Parallel()
	var log buffer
	s := start(t, natsd.Options{Listen: "127.0.0.1:0", Token: "open-sesame", Log: log.logger(slog.LevelInfo)})
	nc, js := connect(t, s)
	makeStream(t, js)
	publish(t, js, 2)
	addr := s.Addr()
	back := make(chan struct{}, 1)
	logBack := nc.Opts.ReconnectedCB
	nc.SetReconnectHandler(func(nc *nats.Conn) {
		logBack(nc)
		back <- struct{}{}
	})
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Addr() != addr {
		t.Errorf("Addr() = %s after the restart, was %s", s.Addr(), addr)
	}
	<-back
	st, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1", "2"}, stored(t, st)); diff != "" {
		t.Errorf("stored messages (-want +got):\n%s", diff)
	}
	for _, want := range []string{"nats connection lost", "nats connection is back"} {
		if got := log.String(); strings.Count(got, want) != 1 {
			t.Errorf("want %q once, got:\n%s", want, got)
		}
	}
	outside, err := nats.Connect("nats://"+addr, nats.Token("open-sesame"))
	if err != nil {
		t.Fatal(err)
	}
	outside.Close()
}

// A restart that fails leaves no server; the next one brings it back.
func TestRestartAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	s := start(t, natsd.Options{StoreDir: dir})
	// A folder whose name is that of a file cannot be made.
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err == nil {
		t.Fatal("restarted without a store")
	}
	if err := s.Healthy(); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("Healthy() = %v, want why the restart failed", err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Healthy(); err != nil {
		t.Errorf("Healthy() = %v", err)
	}
}

func TestAtomicBatch(t *testing.T) {
	t.Parallel()
	_, js := connect(t, start(t, natsd.Options{}))
	st := makeStream(t, js)
	batch := func(from, to int) []*nats.Msg {
		var msgs []*nats.Msg
		for i := from; i <= to; i++ {
			m := nats.NewMsg(subject)
			m.Header.Set(nats.MsgIdHdr, fmt.Sprintf("store.batch.ref.%d", i))
			m.Data = fmt.Append(nil, i)
			msgs = append(msgs, m)
		}
		return msgs
	}
	ack, err := jetstreamext.PublishMsgBatch(t.Context(), js, batch(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	if ack.BatchSize != 3 || ack.Sequence != 3 {
		t.Errorf("ack of %d messages up to %d, want 3 up to 3", ack.BatchSize, ack.Sequence)
	}
	// One message that the stream has already rejects the batch as a whole.
	_, err = jetstreamext.PublishMsgBatch(t.Context(), js, batch(3, 5))
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != 10201 {
		t.Errorf("batch with a duplicate: got %v, want error code 10201", err)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, stored(t, st)); diff != "" {
		t.Errorf("stored messages (-want +got):\n%s", diff)
	}
}

func TestLargestMessage(t *testing.T) {
	t.Parallel()
	nc, js := connect(t, start(t, natsd.Options{}))
	st := makeStream(t, js)
	if nc.MaxPayload() != natsd.MaxPayload {
		t.Errorf("clients see a limit of %d bytes, want %d", nc.MaxPayload(), natsd.MaxPayload)
	}
	want := bytes.Repeat([]byte("x"), natsd.MaxPayload)
	if _, err := js.Publish(t.Context(), subject, want); err != nil {
		t.Fatal(err)
	}
	m, err := st.GetMsg(t.Context(), 1)
	if err != nil || !bytes.Equal(m.Data, want) {
		t.Errorf("the stored message differs: %v", err)
	}
	if _, err := js.Publish(t.Context(), subject, append(want, 'x')); !errors.Is(err, nats.ErrMaxPayload) {
		t.Errorf("one byte more: got %v, want %v", err, nats.ErrMaxPayload)
	}
}
