package fetch

import (
	"maps"
	"time"
)

// State is where a batch is in its life.
type State string

// The states of a batch.
const (
	StateDiscovered State = "discovered" // it was not read yet
	StateActive     State = "active"     // calls of it wait or move
	StateQuiet      State = "quiet"      // nothing has changed for long, or it is paused
	StateSettled    State = "settled"    // it is complete
	StateGone       State = "gone"       // the platform does not know it
)

// Status is how the poller is doing.
type Status struct {
	// Outage is the row of failures under way; FailedPolls is 0 without one.
	Outage Outage
	// Unreachable says that it counts as an outage.
	Unreachable bool
	// Discovery is what the lists of batches took.
	Discovery Spent
	Batches   map[string]BatchStatus
}

// Spent is what was asked of the platform by this process.
type Spent struct {
	Requests uint64
	Bytes    uint64 // of bodies, decoded
}

// BatchStatus is how a batch is doing.
type BatchStatus struct {
	CampaignID *int64
	Campaign   string // its name, "" where it is not known
	Status     string // the platform's
	State      State
	Held       Held
	// Found is when this process found it.
	Found time.Time
	// Interval is the time from the newest poll to the next.
	Interval time.Duration
	// LastPoll is when the newest successful poll was asked for, NextPoll when
	// the next is due, and WholeList when the newest whole list was; zero for
	// never.
	LastPoll, NextPoll, WholeList time.Time
	// Failures is how many polls have failed in a row, and LastError why the
	// newest did.
	Failures  int
	LastError string
	Spent     Spent
}

// Status returns how the poller is doing; its map is the caller's.
func (p *Poller) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.status
	s.Batches = maps.Clone(s.Batches)
	return s
}

// publish makes the state of the source, and of a batch unless it is nil, seen
// by Status.
func (p *Poller) publish(w *watch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status.Outage, p.status.Unreachable = p.health.outage, p.health.told
	p.status.Discovery = p.discovery.spent
	if w == nil || w.pace.busy { // a job has its mind
		return
	}
	s := BatchStatus{
		CampaignID: w.batch.CampaignID, Status: w.batch.Status, State: p.state(w), Held: w.mind.held,
		Found:    w.found,
		Interval: w.pace.wait, LastPoll: w.pace.asked, NextPoll: w.pace.due, WholeList: w.mind.asked,
		Failures: w.pace.failures, LastError: w.pace.reason, Spent: w.spent,
	}
	if w.pace.off {
		s.NextPoll = time.Time{}
	}
	if c, ok := p.campaigns.cached(w.batch.CampaignID); ok {
		s.Campaign = c.Name
	}
	p.status.Batches[w.id] = s
}

func (p *Poller) state(w *watch) State {
	switch {
	case w.gone:
		return StateGone
	case w.mind.held.Completed:
		return StateSettled
	case w.mind.lists == 0 && w.mind.held.Polled.IsZero():
		return StateDiscovered
	case p.factor(w, time.Now()) > 1:
		return StateQuiet
	}
	return StateActive
}
