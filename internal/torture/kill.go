package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/crashpoint"
)

// Ways to kill, beside those at a point.
const (
	AtStart      = "at the start"
	AtRandom     = "at random"
	WhileStopped = "while it stops"
	InOutage     = "at random while NATS is away"
	// Missed follows the name of a point that was not reached: the kill came at
	// another moment.
	Missed = ", not reached"
)

const (
	// reachTimeout is how long a process may take to reach its point.
	reachTimeout = 8 * time.Second
	// makeTimeout is the same where something is made, if it is not there already.
	makeTimeout = 3 * time.Second
	// sinkTimeout is more than the 30 s after which an event is delivered again
	// that was in the hands of a process that was killed.
	sinkTimeout  = 40 * time.Second
	feedInterval = 200 * time.Millisecond
	// answerTimeout is how long it may take to ask the platform.
	answerTimeout = 30 * time.Second
	// Bounds of what is left to chance: of a start, of what follows an answer, of
	// a stop, and of what follows a point.
	startDelay  = 150 * time.Millisecond
	answerDelay = 40 * time.Millisecond
	stopDelay   = 60 * time.Millisecond
	pointDelay  = 4 * time.Millisecond
	// earlyLists is which of the first lists a kill follows.
	earlyLists = 12
)

// Kills counts them, by how it was done. For a point that is its name; with
// "+" where the kill came some moments after it.
type Kills map[string]int

// Sum returns how many there were.
func (k Kills) Sum() int {
	n := 0
	for _, kills := range k {
		n += kills
	}
	return n
}

// Killer kills the daemon of a world in the ways that its generator chooses, each
// point of the world in turn.
type Killer struct {
	World *World
	Rand  *rand.Rand
	Kills Kills

	// Outages counts how often the external server went away.
	Outages int

	late   bool               // the kill comes some moments after such a point
	first  []crashpoint.Point // that only come while something is made
	points []crashpoint.Point // that come again and again
	turn   int
}

// NewKiller returns one that has killed nobody.
func NewKiller(w *World, r *rand.Rand) *Killer {
	k := &Killer{World: w, Rand: r, Kills: Kills{}}
	k.first = []crashpoint.Point{crashpoint.StoreCreate, crashpoint.StoreCreated}
	if !w.o.External {
		k.first = append(k.first, crashpoint.StreamCreate, crashpoint.StreamCreated)
	}
	if k.late = w.o.Seed/2%2 == 0; k.late {
		// Some moments after the first of each pair it is made, and the second does
		// not come.
		k.first = slices.DeleteFunc(k.first, func(p crashpoint.Point) bool {
			return p == crashpoint.StoreCreated || p == crashpoint.StreamCreated
		})
	}
	if w.o.Slack {
		k.first = append(k.first, crashpoint.SinkPlaced, crashpoint.SinkDelivered)
		if w.o.External {
			k.points = append(k.points, crashpoint.SinkDeleted)
		}
	}
	if w.o.Single {
		k.points = append(k.points, crashpoint.RelayOne)
	}
	k.points = append(k.points, crashpoint.IngestChunk, crashpoint.FetchAnswered, crashpoint.StoreCommit,
		crashpoint.StoreCommitted, crashpoint.RelayPublish, crashpoint.RelayAcked, crashpoint.RelayLeft)
	if w.o.Slack {
		// It may take half a minute to get there, so not in each round.
		k.points = append(append(k.points, k.points...), crashpoint.SinkDelivered)
	}
	return k
}

// Kill starts the daemon once and kills it; a daemon that stops before the kill
// comes does not count. Problems are in the journal of the world: an error is
// one of the harness.
func (k *Killer) Kill(ctx context.Context) error {
	if err := k.World.Platform.Feed(); err != nil {
		return err
	}
	if len(k.first) > 0 {
		point := k.first[0]
		k.first = k.first[1:]
		return k.At(ctx, point, 1)
	}
	if k.turn++; k.turn%2 == 0 {
		point := k.points[(k.turn/2-1)%len(k.points)]
		if err := k.prepare(ctx, point); err != nil {
			return err
		}
		count := 1
		if !slices.Contains([]crashpoint.Point{
			crashpoint.SinkDelivered, crashpoint.SinkDeleted, crashpoint.IngestChunk,
		}, point) {
			count += k.Rand.IntN(4)
		}
		return k.At(ctx, point, count)
	}
	switch n := k.Rand.IntN(5); {
	case n == 0:
		return k.starting(ctx)
	case n == 1:
		return k.stopping(ctx)
	case n == 2 && k.World.o.External:
		return k.Outage(ctx)
	default:
		return k.atRandom(ctx, AtRandom)
	}
}

// prepare has something happen that leads to the point.
func (k *Killer) prepare(ctx context.Context, p crashpoint.Point) error {
	switch p {
	case crashpoint.IngestChunk:
		return k.World.Platform.FeedLongList()
	case crashpoint.SinkDeleted:
		return k.World.misplace(ctx)
	default:
		return nil
	}
}

// At kills when a point is reached for the count-th time, or some moments later.
func (k *Killer) At(ctx context.Context, p crashpoint.Point, count int) error {
	order, name := fmt.Sprintf("CRASHPOINT=%s:%d", p, count), string(p)
	timeout, delayed := reachTimeout, k.Rand.IntN(2) == 0
	switch p {
	case crashpoint.SinkDelivered, crashpoint.SinkDeleted:
		timeout = sinkTimeout
	case crashpoint.StoreCreate, crashpoint.StoreCreated, crashpoint.StreamCreate, crashpoint.StreamCreated:
		timeout, delayed = makeTimeout, k.late
	}
	if delayed {
		order += fmt.Sprintf(":%dus", 1+k.upTo(pointDelay).Microseconds())
		name += "+"
	}
	process, err := k.World.Start(ctx, order)
	if err != nil {
		return err
	}
	for end := time.Now().Add(timeout); !process.EndsWithin(feedInterval); {
		if !k.World.slackLags() {
			err = k.World.Platform.Feed()
		}
		if err != nil || time.Now().After(end) {
			process.Kill()
			k.note(process, string(p)+Missed)
			return err
		}
	}
	k.note(process, name)
	return nil
}

// atRandom kills soon after one of the first answers.
func (k *Killer) atRandom(ctx context.Context, name string) error {
	sprung := k.World.Platform.Set(1 + k.Rand.Int64N(earlyLists))
	process, err := k.World.Start(ctx)
	if err != nil {
		return err
	}
	defer k.note(process, name)
	defer process.Kill()
	return k.answered(ctx, sprung, process)
}

// answered waits for the trap, and then for some moments.
func (k *Killer) answered(ctx context.Context, sprung <-chan struct{}, process *Process) error {
	timer := time.NewTimer(answerTimeout)
	defer timer.Stop()
	select {
	case <-sprung:
		return pause(ctx, k.upTo(answerDelay))
	case <-process.done:
	case <-timer.C:
		k.World.Journal.Problem("the daemon did not ask for results within %s", answerTimeout)
	}
	return nil
}

// starting kills before the daemon has got far.
func (k *Killer) starting(ctx context.Context) error {
	process, err := k.World.Start(ctx)
	if err != nil {
		return err
	}
	defer k.note(process, AtStart)
	defer process.Kill()
	return pause(ctx, k.upTo(startDelay))
}

// stopping kills while the daemon stops.
func (k *Killer) stopping(ctx context.Context) error {
	sprung := k.World.Platform.Set(1 + k.Rand.Int64N(earlyLists))
	process, err := k.World.Start(ctx)
	if err != nil {
		return err
	}
	defer k.note(process, WhileStopped)
	defer process.Kill()
	if err := k.answered(ctx, sprung, process); err != nil {
		return err
	}
	process.Signal(os.Interrupt)
	process.EndsWithin(k.upTo(stopDelay))
	return nil
}

// Outage has the external server go away for longer than the stream remembers
// ids, right after it has acknowledged events that are still in the outbox, or
// while the daemon runs; the daemon is killed meanwhile.
func (k *Killer) Outage(ctx context.Context) error {
	w := k.World
	k.Outages++
	if k.Rand.IntN(2) == 0 {
		if err := k.At(ctx, crashpoint.RelayAcked, 1+k.Rand.IntN(3)); err != nil {
			return err
		}
		w.nats.Stop()
	} else {
		sprung := w.Platform.Set(1 + k.Rand.Int64N(earlyLists))
		process, err := w.Start(ctx)
		if err != nil {
			return err
		}
		if err = k.answered(ctx, sprung, process); err == nil {
			w.nats.Stop()
			err = pause(ctx, k.upTo(answerDelay))
		}
		process.Kill()
		k.note(process, InOutage)
		if err != nil {
			return err
		}
	}
	w.nats = nil
	back := time.NewTimer(window + window/4)
	defer back.Stop()
	for range 2 {
		if err := w.Platform.Feed(); err != nil {
			return err
		}
		if err := k.atRandom(ctx, InOutage); err != nil {
			return err
		}
	}
	select {
	case <-back.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return w.startNATS(ctx, w.natsAt)
}

// firstMoments is how long a first start takes at least.
const firstMoments = 300 * time.Millisecond

// Run starts the daemon and returns some moments after one of its first answers,
// or where first is set at a moment of its start. A recorder reads its stream; to
// stop that, call what is returned.
func (k *Killer) Run(ctx context.Context, first bool) (p *Process, stop func(), err error) {
	w := k.World
	if err := w.Platform.Feed(); err != nil {
		return nil, nil, err
	}
	sprung := w.Platform.Set(1 + k.Rand.Int64N(4*earlyLists))
	if p, err = w.Start(ctx); err != nil {
		return nil, nil, err
	}
	stop = func() {}
	if first {
		return p, stop, pause(ctx, k.upTo(firstMoments))
	}
	at, err := p.Running(ctx)
	if err != nil {
		w.Journal.Problem("%v", err)
		return p, stop, nil
	}
	if stop, err = w.Recorder.Watch(at.NATS); err != nil {
		p.Kill()
		return nil, nil, err
	}
	return p, stop, k.answered(ctx, sprung, p)
}

// note counts a process that was killed.
func (k *Killer) note(p *Process, name string) {
	if p.killed() {
		k.Kills[name]++
	}
}

func (k *Killer) upTo(most time.Duration) time.Duration {
	return time.Duration(k.Rand.Int64N(int64(most)))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// misplace makes the sink's consumer one that would skip events, as one is that
// was made for another stream.
func (w *World) misplace(ctx context.Context) error {
	return w.withStream(ctx, func(js jetstream.JetStream) error {
		s, err := js.Stream(ctx, streamName)
		if err != nil {
			return err
		}
		last := s.CachedInfo().State.LastSeq
		m, err := s.GetMsg(ctx, 1)
		if err != nil {
			return nil //nolint:nilerr // nothing was published yet: there is no such consumer either
		}
		id, err := event.ParseID(m.Header.Get(event.HeaderID))
		if err != nil {
			return err
		}
		name := "notifier-slack-" + id.Store
		if err := s.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
		_, err = s.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: name, FilterSubject: prefix + "." + event.InsightsCompleted + ".>",
			AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 1,
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: last + 100,
		})
		return err
	})
}
