package app_test

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/rehearsal"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

var (
	soakFor  = flag.Duration("soak", 3*time.Second, "how long TestSoak lets the platform be ill; make soak has 10m")
	soakSeed = flag.Uint64("soak.seed", 1, "seed of TestSoak: of the platform, and of its faults")
)

// refusedFor is how long a poller waits after a key was refused.
const refusedFor = time.Minute

// allFaults are all that the simulator knows, but for an answer that never comes,
// which holds up the poller for two minutes, and in a short soak the refused key.
func allFaults() []string {
	faults := []string{
		"huge=2:1%", "gzip-bomb=2:1%", "slow=300ms:1%",
		"duplicate@results:3%", "unknown-status@results:3%", "backwards@results:3%", "skew:3%",
	}
	if *soakFor > refusedFor {
		faults = append(faults, "401:0.5%", "403:0.5%")
	}
	return append(faults, illPlatform...)
}

// TestSoak lets a platform run fast, with every fault at random and new batches
// all the time. What it showed in the end is what the events must have told.
func TestSoak(t *testing.T) {
	t.Parallel()
	p := rehearsal.New(rehearsal.Options{Options: simulator.Options{Seed: *soakSeed, APIKey: "right", Speed: 200}})
	id := p.Sim.AddCampaign(simulator.Campaign{HourlyRate: 3600, RetryCount: 1, RetryInterval: time.Minute})
	faults, err := simulator.NewFaults(*soakSeed, allFaults()...)
	if err != nil {
		t.Fatal(err)
	}
	recorder := &rehearsal.Recorder{Next: faults.Wrap(p)}
	srv := httptest.NewServer(recorder)
	t.Cleanup(srv.Close)
	c := settings(t, srv.URL)
	c.MaxRequestsPerSecond, c.MaxConcurrentRequests = 1000, 8
	a, _ := begin(t, c)

	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	batches := 0
	for end := time.Now().Add(*soakFor); time.Now().Before(end); <-ticker.C {
		batches++
		if err := p.Sim.CreateBatch(simulator.NewBatch{
			ID: fmt.Sprintf("2026.%d", batches), CampaignID: id, Calls: 20 + 40*(batches%5),
		}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all calls end", p.Ended)
	hits := faults.Hits()
	faults.Clear()
	truth := p.Lives()
	within(t, testTimeout+*soakFor, "every batch is complete", func() bool {
		settled := 0
		for _, b := range a.Poller().Batches {
			if b.Held.Completed {
				settled++
			}
		}
		return settled == batches
	})
	eventually(t, "the outbox empties", relayed(a))
	r := judgeLives(t, "nats://"+a.NATSAddr(), "", recorder.Lives(truth))
	checkSoak(t, r, len(truth), batches)
	spoilt := 0
	for _, n := range hits {
		spoilt += n
	}
	t.Logf("%d events of %d calls in %d batches; %d answers spoilt in %d ways",
		r.Events, r.Calls, batches, spoilt, len(hits))
}

func checkSoak(t *testing.T, r audit.Report, calls, batches int) {
	t.Helper()
	if r.Calls != calls || r.Batches != batches {
		t.Errorf("events of %d calls in %d batches, want %d in %d", r.Calls, r.Batches, calls, batches)
	}
	if n := r.ByName["batch.completed"] - r.ByName["batch.reopened"]; n != batches {
		t.Errorf("%d of %d batches are complete by their events", n, batches)
	}
	if r.ByName["request.removed"] > 0 {
		t.Errorf("%d calls were told as removed, and none was", r.ByName["request.removed"])
	}
}
