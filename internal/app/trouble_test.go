package app_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/store"
)

// refusals counts the logins that a server refuses, by its log.
type refusals struct {
	slog.Handler
	n *atomic.Int64
}

func (r refusals) Enabled(context.Context, slog.Level) bool { return true }

func (r refusals) Handle(_ context.Context, rec slog.Record) error {
	rec.Attrs(func(a slog.Attr) bool {
		if strings.Contains(strings.ToLower(a.Value.String()), "authentication error") {
			r.n.Add(1)
		}
		return true
	})
	return nil
}

// A login that is refused for a while, as when a token is replaced, ends
// nothing.
func TestExternalNATSThatRefusesTheLogin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var refused atomic.Int64
	begun := func(listen, token string) *natsd.Server {
		s, err := natsd.Start(t.Context(), natsd.Options{
			StoreDir: dir, Listen: listen, Token: token,
			Log: slog.New(refusals{slog.DiscardHandler, &refused}),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		return s
	}
	server := begun("127.0.0.1:0", "right")
	addr := server.Addr()
	p, url := newPlatform(t, 20)
	c := settings(t, url)
	c.NATSURL, c.NATSToken = config.NATSURL("nats://"+addr), "right"
	a, _ := begin(t, c)
	eventually(t, "it is ready", func() bool {
		code, _ := get(t, a, "/readyz")
		return code == http.StatusOK
	})
	server.Stop()
	server = begun(addr, "other")
	eventually(t, "the login is refused again and again", func() bool { return refused.Load() >= 3 })
	server.Stop()
	begun(addr, "right")
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	judge(t, "nats://"+addr, "right", p)
}

// What is found damaged while the daemon stops is not passed over.
func TestDamageFoundWhileStopping(t *testing.T) {
	t.Parallel()
	p, url := newPlatform(t, 10)
	c := settings(t, url)
	c.NATSURL = "nats://127.0.0.1:1" // nobody is there, so that events wait
	_, stop := begin(t, c)
	await(t, p)
	stop()
	c.NATSURL = ""
	a, err := app.New(t.Context(), c, "test", quiet)
	if err != nil {
		t.Fatal(err)
	}
	damageEvents(t, filepath.Join(c.DataDir, "notifier.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the stop comes before the relay's first look
	if err := a.Run(ctx); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("error %v, want that the state is damaged", err)
	}
}

// damageEvents flips a bit in every event in the file, behind the back of the
// daemon that has it open.
func damageEvents(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	mark := []byte(`"name":"request.`)
	for at := bytes.Index(content, mark); at >= 0; at = bytes.Index(content, mark) {
		content[at+1] ^= 1
		if _, err := f.WriteAt(content[at+1:at+2], int64(at+1)); err != nil {
			t.Fatal(err)
		}
	}
}
