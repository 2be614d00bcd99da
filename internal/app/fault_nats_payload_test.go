package app_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/rehearsal"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

// A call whose events are larger than the server takes: they are parked, with the
// reason, and the other calls go on.
func TestFault42PayloadOverTheLimit(t *testing.T) {
	t.Parallel()
	const big = "ref-big"
	s := theirs(t, &server.Options{JetStream: true, MaxPayload: 16 << 10})
	p := rehearsal.New(rehearsal.Options{Options: simulator.Options{Seed: 7, APIKey: "right"}, Step: 5 * time.Second})
	id := p.Sim.AddCampaign(simulator.Campaign{HourlyRate: 3600, RetryCount: 1, RetryInterval: time.Minute})
	if err := p.Sim.CreateBatch(simulator.NewBatch{
		ID: "20260822.9", CampaignID: id, Calls: 10,
		Requests: []simulator.Request{{
			ReferenceID: big, Target: "512-555-0199", Variables: map[string]string{"note": strings.Repeat("canary ", 3000)},
		}},
	}); err != nil {
		t.Fatal(err)
	}
	platform := httptest.NewServer(p)
	t.Cleanup(platform.Close)
	c := settings(t, platform.URL)
	c.NATSURL = config.NATSURL("nats://" + s.Addr().String())
	log := &logged{}
	a, _ := beginWith(t, c, textLog(log), unchanged)
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	ready(t, a)
	r := judgeLives(t, string(c.NATSURL), "", slices.DeleteFunc(p.Lives(), func(l audit.Life) bool {
		return l.Reference == big
	}))
	if r.Calls != 10 {
		t.Errorf("events of %d calls, want 10", r.Calls)
	}
	_, body := get(t, a, "/api/v1/status")
	var status ops.Status
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Fatal(err)
	}
	told := strings.Count(log.String(), "more than the 16384 that the server or the stream allows")
	if status.Outbox.Parked < 2 || told != status.Outbox.Parked {
		t.Errorf("%d events parked, %d told with the reason", status.Outbox.Parked, told)
	}
	wantNoSecret(t, log, "canary", "0199")
	t.Logf("%d events of 10 calls, %d parked", r.Events, status.Outbox.Parked)
}
