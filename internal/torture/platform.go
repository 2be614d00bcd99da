package torture

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/syllable-notifier/notifier/internal/rehearsal"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

const (
	// listStep and lookStep are how far the simulated clock moves with each list
	// of results, or of batches, so that calls go on as fast as they are polled.
	listStep = 3 * time.Second
	lookStep = time.Second
	// activeBatches have open calls at any time, each batchCalls of them by default.
	activeBatches = 4
	batchCalls    = 12
	// longList is more calls than go into one transaction.
	longList = 1050
)

// Platform is the simulated platform, with calls that are placed for as long as
// it is fed, and a trap that goes off with one of the next lists of results.
type Platform struct {
	*rehearsal.Platform
	URL string
	// BatchCalls is how many calls a new batch has.
	BatchCalls int

	begun    time.Time
	clock    atomic.Int64 // since begun
	trap     atomic.Int64 // lists until it goes off; less than 1: it is not set
	sprung   chan struct{}
	looks    atomic.Int64 // lists of batches that were asked for
	batches  int
	campaign int64
	invalid  int64 // campaign whose calls all end as they are created
	server   *http.Server
}

// NewPlatform serves a platform without batches, on a free port. Few of its calls
// have insights where there is little time for what is to be told of them.
func NewPlatform(seed uint64, fewInsights bool) (*Platform, error) {
	p := &Platform{BatchCalls: batchCalls, begun: time.Now(), sprung: make(chan struct{}, 1)}
	p.Platform = rehearsal.New(rehearsal.Options{Options: simulator.Options{
		Seed: seed, Now: func() time.Time { return p.begun.Add(time.Duration(p.clock.Load())) },
	}})
	mix := simulator.DefaultMix()
	if fewInsights {
		mix.Answered, mix.Machine, mix.NoAnswer = 2, 0, 60
	}
	p.campaign = p.Sim.AddCampaign(simulator.Campaign{
		HourlyRate: 3600, RetryCount: 1, RetryInterval: time.Minute, Mix: &mix,
	})
	p.invalid = p.Sim.AddCampaign(simulator.Campaign{HourlyRate: 3600, Mix: &simulator.Mix{Invalid: 1}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.URL = "http://" + l.Addr().String()
	p.server = &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(l) }() // until Close
	return p, nil
}

// Close ends the server.
func (p *Platform) Close() { _ = p.server.Close() }

func (p *Platform) serve(w http.ResponseWriter, r *http.Request) {
	isList := strings.HasSuffix(r.URL.Path, "/results")
	isLook := strings.HasSuffix(r.URL.Path, "/batches")
	switch {
	case isList:
		p.clock.Add(int64(listStep))
	case isLook:
		p.clock.Add(int64(lookStep))
	}
	p.ServeHTTP(w, r)
	if isLook {
		p.looks.Add(1)
	}
	if isList && p.trap.Add(-1) == 0 {
		p.sprung <- struct{}{}
	}
}

// Set has the trap go off with the n-th list of results from now on.
func (p *Platform) Set(n int64) <-chan struct{} {
	select {
	case <-p.sprung: // of a process that is no more
	default:
	}
	p.trap.Store(n)
	return p.sprung
}

// Feed creates batches until enough of them have open calls.
func (p *Platform) Feed() error {
	open := 0
	for _, b := range p.Sim.Batches() {
		if !b.Finished {
			open++
		}
	}
	for ; open < activeBatches; open++ {
		if err := p.create(p.campaign, p.BatchCalls); err != nil {
			return err
		}
	}
	return nil
}

// FeedLongList creates a batch whose first list takes more than one transaction,
// and whose calls have all ended.
func (p *Platform) FeedLongList() error { return p.create(p.invalid, longList) }

func (p *Platform) create(campaign int64, calls int) error {
	p.batches++
	return p.Sim.CreateBatch(simulator.NewBatch{
		ID: fmt.Sprintf("2026.%d", p.batches), CampaignID: campaign, Calls: calls,
	})
}
