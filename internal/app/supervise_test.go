package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

// patient is a server that is ill from a time on until it is restarted, or for
// ever.
type patient struct {
	mu       sync.Mutex
	ill      bool
	forever  bool
	full     time.Time // until when its disk is
	restarts []time.Time
}

func (p *patient) Healthy() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.full) {
		return fmt.Errorf("looked at: %w", natsd.ErrDiskFull)
	}
	if p.ill {
		return errors.New("no space left on device")
	}
	return nil
}

func (p *patient) Restart(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restarts = append(p.restarts, time.Now())
	p.ill = p.forever
	return nil
}

func supervisedFor(t *testing.T, p *patient, d time.Duration) {
	t.Helper()
	a := &App{log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	a.supervise(ctx, p, healthInterval)
}

func TestSupervise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		healthy := &patient{}
		supervisedFor(t, healthy, time.Hour)
		if n := len(healthy.restarts); n != 0 {
			t.Errorf("a healthy server was restarted %d times", n)
		}
		full := &patient{ill: true}
		begun := time.Now()
		supervisedFor(t, full, time.Hour)
		if len(full.restarts) != 1 || full.restarts[0].Sub(begun) > time.Minute {
			t.Errorf("restarted at %v, want once, within a minute", full.restarts)
		}
		broken := &patient{ill: true, forever: true}
		supervisedFor(t, broken, 2*time.Hour)
		if n := len(broken.restarts); n < 10 || n > 25 {
			t.Errorf("a server that stays ill was restarted %d times in 2 hours, want ever more rarely", n)
		}
	})
}

// While the disk is full nothing is restarted, and soon after it is not, however
// long it was.
func TestSuperviseWaitsForSpace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		space := time.Now().Add(20 * time.Hour)
		full := &patient{ill: true, full: space}
		supervisedFor(t, full, 24*time.Hour)
		if len(full.restarts) != 1 || full.restarts[0].Before(space) || full.restarts[0].Sub(space) > time.Minute {
			t.Errorf("restarted at %v, want once, within a minute after %v", full.restarts, space)
		}
	})
}

func TestIllnessAndLimits(t *testing.T) {
	t.Parallel()
	api := func(code jetstream.ErrorCode, text string) error {
		return fmt.Errorf("publish: %w", &jetstream.APIError{ErrorCode: code, Description: text})
	}
	for name, tt := range map[string]struct {
		err        error
		ill, limit bool
	}{
		"none":             {nil, false, false},
		"silence":          {fmt.Errorf("publish: %w", context.DeadlineExceeded), true, false},
		"silence (legacy)": {fmt.Errorf("publish: %w", nats.ErrTimeout), true, false},
		"nobody":           {fmt.Errorf("publish: %w", nats.ErrNoResponders), true, false},
		"batch":            {api(10176, "atomic publish batch is incomplete"), true, false},
		"cannot write":     {api(10077, "write 1.blk: input/output error"), true, false},
		"stream's bytes":   {api(10077, "maximum bytes exceeded"), false, true},
		"stream's count":   {api(10077, "maximum messages exceeded"), false, true},
		"server":           {api(10023, "insufficient resources"), false, true},
		"account":          {api(10002, "resource limits exceeded for account"), false, true},
		"unfit stream":     {errors.New("stream CALLS drops messages once read"), false, false},
		"another":          {api(10060, "expected stream does not match"), false, false},
	} {
		if isIllness(tt.err) != tt.ill || isLimit(tt.err) != tt.limit {
			t.Errorf("%s: illness %v, limit %v", name, isIllness(tt.err), isLimit(tt.err))
		}
	}
}

// A server that looks well and does not store what is published is ill; one that is
// at a limit is not.
func TestEmbeddedThatIsSilent(t *testing.T) {
	t.Parallel()
	server, err := natsd.Start(t.Context(), natsd.Options{StoreDir: t.TempDir(), Listen: natsd.ListenOff})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	for _, tt := range []struct {
		publishing error
		ill        bool
	}{
		{nil, false},
		{fmt.Errorf("publish: %w", context.DeadlineExceeded), true},
		{&jetstream.APIError{ErrorCode: codeServerLimit}, false},
	} {
		err := embedded{server, func() error { return tt.publishing }}.Healthy()
		if (err != nil) != tt.ill || tt.ill && !errors.Is(err, tt.publishing) {
			t.Errorf("publishing says %v: healthy %v", tt.publishing, err)
		}
	}
}
