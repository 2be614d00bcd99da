package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The stream's configuration is lost while the daemon is stopped: it starts, tells
// it, and publishes again what it keeps.
func TestFault38StreamPutAside(t *testing.T) {
	t.Parallel()
	p, url := newPlatform(t, 20)
	c := settings(t, url)
	a, stop := begin(t, c)
	eventually(t, "some calls end", func() bool {
		done := p.Sim.Progress()
		return done.Calls-done.Open > 5
	})
	eventually(t, "the outbox empties", relayed(a))
	stop()
	jetStream := filepath.Join(c.DataDir, "jetstream")
	if err := os.Remove(filepath.Join(jetStream, "jetstream", "$G", "streams", "SYLLABLE", "meta.inf")); err != nil {
		t.Fatal(err)
	}
	log := &logged{}
	a, _ = beginWith(t, c, textLog(log), unchanged)
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	ready(t, a)
	judge(t, "nats://"+a.NATSAddr(), "", p)
	for _, want := range []string{"was put aside", "what is kept of it is published again"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say: %s", want)
		}
	}
	if put, err := filepath.Glob(filepath.Join(jetStream, "SYLLABLE.damaged-*")); err != nil || len(put) != 1 {
		t.Errorf("put aside %q, error %v; want one", put, err)
	}
}
