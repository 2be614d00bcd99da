package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Options of a Poller; Interval and Discovery must be positive.
type Options struct {
	// Batches are the ids to watch. Empty: those that the platform lists.
	Batches []string
	// Campaigns limits discovery to batches of these. Empty: all.
	Campaigns []int64
	// Interval is the target time from one poll of an active batch to the next.
	Interval time.Duration
	// Discovery is how often the list of batches, or the details of a batch
	// in Batches, is asked for.
	Discovery time.Duration
	// Settle is for how long nothing may have changed before the taker finds a
	// batch complete: then it needs a whole list once more.
	Settle time.Duration
	// Concurrent bounds how many requests are under way at once. Default 4.
	Concurrent int
	// Rate bounds the requests per second. 0: no bound.
	Rate float64
	// Dir is where bodies too large for memory are kept for a moment.
	Dir string
	// Unfinished are batches to watch from the start, also while the list cannot
	// be read, or lacks them.
	Unfinished []Unfinished
	// Outage is one that was told by an earlier process and has not ended; its
	// FailedPolls is 0 for none.
	Outage Outage
	// Herald may be nil.
	Herald Herald
	// Room says why nothing may be asked for now, nil if it may; then it is asked
	// again every second. With nil there always is room.
	Room func() error
	// Random returns numbers from 0 to 1, that spread what would fall together.
	// Default rand.Float64.
	Random func() float64
	Log    *slog.Logger
}

const defaultConcurrent = 4

// Poller asks for batches when they are due. Run may be called once.
type Poller struct {
	platform  *meter
	taker     Taker
	o         Options
	campaigns campaigns

	// What follows belongs to the goroutine of Run.
	watches    map[string]*watch
	discovery  discovery
	discovered bool // the taker was told
	health     health
	hold       hold
	full       bool // there was no room
	running    int
	done       chan func() // what a finished job has to tell

	mu     sync.Mutex
	ready  error
	status Status
}

var (
	errNotListed = errors.New("the batches have not been listed yet")
	errNotPolled = errors.New("no batch has been read yet")
)

// New returns a Poller that hands what it finds to taker.
func New(platform Platform, taker Taker, o Options) *Poller {
	if o.Concurrent < 1 {
		o.Concurrent = defaultConcurrent
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	p := &Poller{
		platform: newMeter(platform, o.Concurrent, o.Rate), taker: taker, o: o,
		campaigns: campaigns{known: map[int64]*campaign{}},
		watches:   map[string]*watch{}, done: make(chan func()),
		health: health{herald: o.Herald, least: 2 * o.Interval, log: o.Log},
		ready:  errNotListed, status: Status{Batches: map[string]BatchStatus{}},
	}
	p.discovery.pace = newPace(o.Discovery, o.Random)
	if o.Outage.FailedPolls > 0 {
		p.health.outage, p.health.told = o.Outage, true
	}
	if len(o.Batches) == 0 {
		for _, u := range o.Unfinished {
			if p.wanted(u.Batch) {
				p.watch(u.Batch, u.Held)
			}
		}
	}
	p.publish(nil)
	return p
}

// Ready returns nil once the first poll is done: the batches are known, and
// one of them was read unless there are none. It stays nil: whether the
// platform answers later on does not depend on this process.
func (p *Poller) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready
}

// notReady adds to the reason, while there is one, why the newest request
// failed.
func (p *Poller) notReady(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, reason := range []error{errNotListed, errNotPolled} {
		if errors.Is(p.ready, reason) {
			p.ready = fmt.Errorf("%w: %w", reason, cause)
		}
	}
}

func (p *Poller) setReady(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready != nil {
		p.ready = err
	}
}

// Run asks until ctx ends; then it gives up the requests in flight, lets the
// taker finish what it has in hand, and returns.
func (p *Poller) Run(ctx context.Context) {
	removeLeftovers(p.o.Dir)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(p.startDue(ctx))
		select {
		case <-ctx.Done():
		case tell := <-p.done:
			p.finish(tell)
		case <-timer.C:
		}
	}
	for p.running > 0 {
		p.finish(<-p.done)
	}
}

func (p *Poller) finish(tell func()) {
	p.running--
	tell()
}

// startDue starts what is due, the longest overdue first, and returns how
// long nothing else will be. One batch takes one place however large it is, so
// that it keeps none of the others waiting.
func (p *Poller) startDue(ctx context.Context) time.Duration {
	now := time.Now()
	if wait := p.hold.until.Sub(now); wait > 0 {
		return wait
	}
	if !p.room() {
		return roomWait
	}
	if p.discovery.pace.dueAt(now) {
		p.start(p.discoverJob(ctx, now))
	}
	due, next := p.due(now)
	for _, w := range due {
		if p.running >= p.o.Concurrent {
			return next // whoever finishes wakes the loop
		}
		p.start(p.pollJob(ctx, w))
	}
	return next
}

// due returns the batches that are due, the longest overdue first, and how long
// nothing else will be.
func (p *Poller) due(now time.Time) (due []*watch, next time.Duration) {
	const long = time.Hour
	next = p.discovery.pace.until(now, long)
	for _, w := range p.watches {
		if w.pace.dueAt(now) {
			due = append(due, w)
		} else {
			next = min(next, w.pace.until(now, long))
		}
	}
	slices.SortFunc(due, func(a, b *watch) int {
		return cmp.Or(a.pace.due.Compare(b.pace.due), cmp.Compare(a.id, b.id))
	})
	return due, next
}

// asking asks for something; what it returns takes the answer in.
type asking func() (tell func())

func (p *Poller) discoverJob(ctx context.Context, now time.Time) asking {
	plan := p.discovery.plan(now)
	p.discovery.pace.busy = true
	return func() func() { return p.discover(ctx, plan) }
}

func (p *Poller) pollJob(ctx context.Context, w *watch) asking {
	j := w.job()
	w.pace.busy = true
	return func() func() { return p.poll(ctx, w, j) }
}

// start runs a job beside the loop; what it returns runs in the loop again.
func (p *Poller) start(job asking) {
	p.running++
	go func() { p.done <- job() }()
}

// RunOnce asks for all that is due, one after the other, and returns how long
// nothing else will be. It is what Run does, without goroutines: for simulations.
func (p *Poller) RunOnce(ctx context.Context) time.Duration {
	for {
		now := time.Now()
		if wait := p.hold.until.Sub(now); wait > 0 {
			return wait
		}
		if !p.room() {
			return roomWait
		}
		due, next := p.due(now)
		switch {
		case p.discovery.pace.dueAt(now):
			p.discoverJob(ctx, now)()()
		case len(due) > 0:
			p.pollJob(ctx, due[0])()()
		default:
			return next
		}
	}
}
