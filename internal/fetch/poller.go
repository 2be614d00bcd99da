package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// Platform is what is asked. Its errors are those of package syllable.
type Platform interface {
	Batches(ctx context.Context, each func(syllable.Batch) bool) error
	Batch(ctx context.Context, id string) (syllable.Batch, error)
	Results(ctx context.Context, batch string, f syllable.Filter, w io.Writer) error
}

// Taker takes what was found out.
type Taker interface {
	// Discovered tells which batches there are, once at the start of each
	// process, before the first of them is asked for.
	Discovered(batches []string) error
	// Take takes an observation; after an error it is offered what is then the
	// newest. When ctx ends it finishes the commit in hand and returns.
	Take(ctx context.Context, o *Observation) error
	// Gone tells that the platform does not know the batch.
	Gone(batch string) error
}

// Options of a Poller; Interval and Discovery must be positive.
type Options struct {
	// Batches are the ids to watch. Empty: those that the platform lists.
	Batches []string
	// Campaigns limits discovery to batches of these. Empty: all.
	Campaigns []int64
	// Interval is the time from one poll of a batch to the next.
	Interval time.Duration
	// Discovery is how often the list of batches, or the details of a batch
	// in Batches, is asked for.
	Discovery time.Duration
	// Concurrent bounds how many batches are asked for at once. Default 4.
	Concurrent int
	// Dir is where bodies too large for memory are kept for a moment.
	Dir string
	Log *slog.Logger
}

const defaultConcurrent = 4

// Poller asks for batches when they are due. Run may be called once.
type Poller struct {
	platform Platform
	taker    Taker
	o        Options

	// What follows belongs to the goroutine of Run.
	watches    map[string]*watch
	discovery  pace // of the list of batches
	discovered bool // the taker was told
	running    int
	done       chan func() // what a finished job has to tell

	mu    sync.Mutex
	ready error
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
	p := &Poller{
		platform: platform, taker: taker, o: o,
		watches: map[string]*watch{}, done: make(chan func()),
		ready: errNotListed,
	}
	p.discovery = newPace(o.Discovery)
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
// long nothing else will be.
func (p *Poller) startDue(ctx context.Context) time.Duration {
	const long = time.Hour
	now := time.Now()
	if p.discovery.dueAt(now) {
		p.start(&p.discovery, func() func() { return p.discover(ctx) })
	}
	next := p.discovery.until(now, long)
	order := make([]*watch, 0, len(p.watches))
	for _, w := range p.watches {
		order = append(order, w)
	}
	slices.SortFunc(order, func(a, b *watch) int {
		return cmp.Or(a.pace.due.Compare(b.pace.due), cmp.Compare(a.id, b.id))
	})
	for _, w := range order {
		if p.running >= p.o.Concurrent {
			return long // whoever finishes wakes the loop
		}
		if w.pace.dueAt(now) {
			job := *w // the job must not see what the loop changes
			p.start(&w.pace, func() func() { return p.poll(ctx, w, job) })
		}
		next = min(next, w.pace.until(now, long))
	}
	return next
}

// start runs a job beside the loop; what it returns runs in the loop again.
func (p *Poller) start(pc *pace, job func() func()) {
	p.running++
	pc.busy = true
	go func() { p.done <- job() }()
}

// watchAll starts watching those batches that are not watched yet.
func (p *Poller) watchAll(ids []string) error {
	if !p.discovered {
		if err := p.taker.Discovered(ids); err != nil {
			return err
		}
		p.discovered = true
		p.setReady(errNotPolled)
	}
	for _, id := range ids {
		if p.watches[id] == nil {
			p.watches[id] = &watch{id: id, pace: newPace(p.o.Interval)}
			p.o.Log.Info("watching batch", "batch", id)
		}
	}
	if len(p.watches) == 0 {
		p.setReady(nil)
	}
	return nil
}
