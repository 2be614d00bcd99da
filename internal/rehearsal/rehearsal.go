// Package rehearsal is the simulated platform with a judge beside it: it knows
// what really happened to every call, as package audit wants it told, and
// whether all that happened has been read by whoever polls. The demo and the
// tests of the whole program run against it.
//
// The package does not look at events or at the stream, and does not simulate
// anything itself: that is package simulator.
package rehearsal

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

// Options of a Platform.
type Options struct {
	simulator.Options
	// Step, where set, is how far the simulated clock moves with each list of
	// results that is asked for; otherwise it stands still. So calls go on
	// just as fast as they are polled, however slow the machine is. Zero: the
	// clock runs as Options say.
	Step time.Duration
}

// Platform is the simulated platform as an http.Handler.
type Platform struct {
	Sim *simulator.Simulator

	mu      sync.Mutex
	steps   int
	reads   map[string]int // lists answered since all calls have ended, by batch
	settled chan struct{}
}

// New returns a platform without campaigns and batches.
func New(o Options) *Platform {
	p := &Platform{reads: map[string]int{}, settled: make(chan struct{})}
	if o.Step > 0 {
		begun := time.Now()
		o.Now = func() time.Time {
			p.mu.Lock()
			defer p.mu.Unlock()
			return begun.Add(time.Duration(p.steps) * o.Step)
		}
	}
	p.Sim = simulator.New(o.Options)
	return p
}

// ServeHTTP answers the platform's API.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, isList := strings.CutSuffix(r.URL.Path, "/results")
	if !isList {
		p.Sim.Handler().ServeHTTP(w, r)
		return
	}
	p.mu.Lock()
	p.steps++
	p.mu.Unlock()
	ended := p.Ended()
	p.Sim.Handler().ServeHTTP(w, r)
	if ended && r.URL.RawQuery == "" { // one of a part says nothing of the rest
		p.noteRead(path[strings.LastIndexByte(path, '/')+1:])
	}
}

// readsToSettle is how often a batch must be read after the end: a poller that
// asks for a batch again has taken in the answer before.
const readsToSettle = 2

func (p *Platform) noteRead(batch string) {
	all := p.Sim.Batches()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads[batch]++
	for _, b := range all {
		if p.reads[b.ID] < readsToSettle {
			return
		}
	}
	select {
	case <-p.settled:
	default:
		close(p.settled)
	}
}

// Ended says whether there are calls, and nothing more will happen to any.
func (p *Platform) Ended() bool {
	progress := p.Sim.Progress()
	return progress.Calls > 0 && progress.Open == 0
}

// Settled is closed once all calls have ended and the poller has taken in how.
func (p *Platform) Settled() <-chan struct{} { return p.settled }

// Await returns nil once the platform is settled.
func (p *Platform) Await(ctx context.Context) error {
	select {
	case <-p.settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lives returns what really happened to every call so far.
func (p *Platform) Lives() []audit.Life {
	var all []audit.Life
	for _, b := range p.Sim.Batches() {
		calls, _ := p.Sim.Truth(b.ID)
		for _, c := range calls {
			all = append(all, audit.Life{Batch: b.ID, Reference: c.ReferenceID, Fields: map[event.Field][]*string{
				event.FieldRequestStatus:  values(c.RequestStatus),
				event.FieldChannelStatus:  values(c.ChannelManagerStatus),
				event.FieldInsightsStatus: values(c.InsightsStatus),
			}, Removed: c.Removed})
		}
	}
	return all
}

func values(past []simulator.Moment) []*string {
	all := make([]*string, len(past))
	for i, m := range past {
		all[i] = m.Value
	}
	return all
}
