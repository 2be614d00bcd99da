package app_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/store"
)

// The state file is removed under the daemon, which says so and stops; a start
// after it goes on where that one ended, and nothing is taken for the beginning.
func TestFault25StateRemovedWhileRunning(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open cannot be removed there")
	}
	p, url := newPlatform(t, 20)
	c := settings(t, url)
	a, err := app.New(t.Context(), c, "test", quiet)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(context.Background()) }()
	eventually(t, "calls go on", func() bool {
		done := p.Sim.Progress()
		return done.Calls-done.Open > 3
	})
	if err := os.Remove(filepath.Join(c.DataDir, "notifier.db")); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "a new start goes on with it") {
		t.Errorf("error %v, want that it was removed, and is in place again", err)
	}
	c.Baseline = config.BaselineSilent // a new state would swallow all
	a, _ = begin(t, c)
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	judge(t, "nats://"+a.NATSAddr(), "", p)
}
