package app_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/ops"
)

// verification asks the daemon; ok is false where it cannot verify just now.
func verification(t *testing.T, a *app.App) (v ops.Verification, ok bool) {
	t.Helper()
	code, body := get(t, a, "/api/v1/verify?batch=20260822.9")
	if code == http.StatusNotFound || code == http.StatusServiceUnavailable {
		return v, false
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	for _, problem := range v.Problems {
		t.Errorf("while all is well: %s", problem)
	}
	if v.Found+v.Aged != v.Events || v.Missing > 0 || v.Ahead > 0 {
		t.Errorf("while all is well: %+v", v)
	}
	return v, true
}

// agreed waits until all of the batch is told, published and verified.
func agreed(t *testing.T, a *app.App) (v ops.Verification) {
	t.Helper()
	eventually(t, "the batch is complete and agrees", func() (done bool) {
		v, done = verification(t, a)
		return done && v.Completed && v.Manifest == "agrees" && v.Waiting == 0
	})
	return v
}

// buffer is a log that may be written and read at once.
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

// Verified all the time while calls go on, over a restart, nothing is found.
func TestFault40VerifyNeverCriesWolf(t *testing.T) {
	t.Parallel()
	const calls = 60
	p, url := newPlatform(t, calls)
	c := settings(t, url)
	c.AuditInterval = 100 * time.Millisecond
	var log buffer
	times, moved := 0, 0
	for n := range 3 {
		a, stop := beginWith(t, c, slog.New(slog.NewTextHandler(&log, nil)), unchanged)
		before := uint64(0)
		eventually(t, "calls go on", func() bool {
			v, ok := verification(t, a)
			if ok {
				if times++; v.Events > before && before > 0 {
					moved++
				}
				before = v.Events
			}
			done := p.Sim.Progress()
			return done.Calls-done.Open > calls/3*n || p.Ended()
		})
		if n < 2 {
			stop()
			continue
		}
		await(t, p)
		v := agreed(t, a)
		if v.Calls != calls {
			t.Errorf("%d calls, want %d", v.Calls, calls)
		}
		eventually(t, "the audit has the batch too", func() bool {
			s := status(t, a)
			return s.Audit.Last != nil && len(s.Batches) == 1 && s.Batches[0].Problems != nil && *s.Batches[0].Problems == 0
		})
	}
	if times < 10 || moved < 3 {
		t.Errorf("verified %d times, %d of them with more than before: this tests nothing", times, moved)
	}
	if strings.Contains(log.String(), "do not agree") {
		t.Error("the audit found problems")
	}
	t.Logf("verified %d times, %d of them with more than before", times, moved)
}

// While the stream's server restarts a batch may not be verified, but nothing is
// found that is not there.
func TestVerifyWhileNATSRestarts(t *testing.T) {
	t.Parallel()
	server, err := natsd.Start(t.Context(), natsd.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	const calls = 40
	p, url := newPlatform(t, calls)
	c := settings(t, url)
	c.NATSURL = config.NATSURL("nats://" + server.Addr())
	a, _ := begin(t, c)
	for n := range 2 {
		eventually(t, "calls go on", func() bool {
			verification(t, a)
			done := p.Sim.Progress()
			return done.Calls-done.Open > calls/3*(n+1) || p.Ended()
		})
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	await(t, p)
	if v := agreed(t, a); v.Calls != calls {
		t.Errorf("%d calls, want %d", v.Calls, calls)
	}
}
