package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/rehearsal"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

// illPlatform answers badly about every other time, in all the ways that do not
// claim that something else happened.
var illPlatform = []string{
	"404:3%", "410:2%", "422:4%", "429=none:3%", "500:5%", "502:2%", "503=none:2%", "504:2%",
	"html:5%", "null:5%", "garbage:5%", "badutf8:4%", "dupkey:4%", "truncate:6%",
	"empty@results:5%", "shrink@results:5%", "shuffle@results:10%", "redirect:2%", "drop:4%",
}

// Whatever the platform answers meanwhile, the events agree in the end with what
// it really did.
func TestWholeChainWithAnIllPlatform(t *testing.T) {
	t.Parallel()
	const calls = 60
	p := rehearsal.New(rehearsal.Options{
		Options: simulator.Options{Seed: 3, APIKey: "right"}, Step: 4 * time.Second,
	})
	id := p.Sim.AddCampaign(simulator.Campaign{HourlyRate: 3600, RetryCount: 1, RetryInterval: time.Minute})
	for _, batch := range []string{"20260822.9", "b"} {
		if err := p.Sim.CreateBatch(simulator.NewBatch{ID: batch, CampaignID: id, Calls: calls / 2}); err != nil {
			t.Fatal(err)
		}
	}
	faults, err := simulator.NewFaults(5, illPlatform...)
	if err != nil {
		t.Fatal(err)
	}
	var well atomic.Bool
	reads := map[string]*atomic.Int64{"20260822.9": {}, "b": {}} // since it is well
	ill := faults.Wrap(p)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before := well.Load()
		ill.ServeHTTP(w, r)
		if path, isList := strings.CutSuffix(r.URL.Path, "/results"); before && isList {
			reads[path[strings.LastIndexByte(path, '/')+1:]].Add(1)
		}
	}))
	t.Cleanup(srv.Close)
	a, _ := begin(t, settings(t, srv.URL))
	eventually(t, "all calls end", p.Ended)
	hits := faults.Hits()
	faults.Clear()
	well.Store(true)
	eventually(t, "both batches are read twice", func() bool {
		return reads["20260822.9"].Load() >= 2 && reads["b"].Load() >= 2
	})
	eventually(t, "the outbox empties", relayed(a))
	r := judge(t, "nats://"+a.NATSAddr(), "", p)
	if r.Calls != calls {
		t.Errorf("events of %d calls, want %d", r.Calls, calls)
	}
	spoilt := 0
	for _, n := range hits {
		spoilt += n
	}
	t.Logf("%d events of %d calls; %d answers spoilt in %d ways", r.Events, r.Calls, spoilt, len(hits))
	if spoilt == 0 {
		t.Error("no answer was spoilt: this tests nothing")
	}
}
