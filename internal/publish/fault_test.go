package publish_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// Row 31: what the endpoint will never take is parked, and the other calls flow;
// so do the later events of the same call.
func TestFault31PoisonEventIsParked(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d at once", n), func(t *testing.T) {
			t.Parallel()
			js := connect(t)
			s, l := newSink(), &lot{}
			poison := func(e event.Event) bool { return e.ID.Reference == "poison" && e.ID.Revision != 4 }
			s.verdict = func(e event.Event, _ int) error {
				if poison(e) {
					return publish.Permanent(errors.New("400 Bad Request"))
				}
				return nil
			}
			d := concurrent(js, s, l, n, 0)
			all := calls(t, 6, "a", "poison", "b", "c")
			prepare(t, js, d, all)
			stop := begin(t, d)
			s.await(t, len(all))
			waitAcked(t, js)
			stop()
			var taken, parked []string
			for _, e := range all {
				if poison(e) {
					parked = append(parked, e.ID.String())
				} else {
					taken = append(taken, e.ID.String())
				}
			}
			if d := cmp.Diff(byCall(taken), byCall(s.ids())); d != "" {
				t.Errorf("taken (-want +got):\n%s", d)
			}
			if d := cmp.Diff(parked, l.ids); d != "" {
				t.Errorf("parked (-want +got):\n%s", d)
			}
		})
	}
}

// named is a sink with a name of its own.
type named struct {
	*sink
	name string
}

func (n named) Name() string { return n.name }

// Row 32: a sink that is dead delays no other, and its events wait.
func TestFault32DeadSinkDelaysNoOther(t *testing.T) {
	t.Parallel()
	js := connect(t)
	dead, alive, l := newSink(), newSink(), &lot{}
	dead.verdict = func(event.Event, int) error { return errIll }
	all := calls(t, 20, "a", "b", "c", "d")
	ds := []*publish.Delivery{
		concurrent(js, named{dead, "dead"}, l, 4, 0), concurrent(js, named{alive, "alive"}, l, 4, 0),
	}
	var stops []func()
	for _, d := range ds {
		prepare(t, js, d, nil)
		stops = append(stops, begin(t, d))
	}
	dead.await(t, 0)
	store(t, js, all)
	alive.await(t, len(all))
	dead.await(t, 2) // it is asked again
	for i, want := range []uint64{uint64(len(all)), 0} {
		waitLag(t, ds[i], want)
	}
	if ds[0].Trouble() == "" || ds[1].Trouble() != "" {
		t.Errorf("trouble of the dead %q, of the other %q", ds[0].Trouble(), ds[1].Trouble())
	}
	for _, stop := range stops {
		stop()
	}
	if d := cmp.Diff(byCall(idsOf(all)), byCall(alive.ids())); d != "" || len(dead.ids()) > 0 || len(l.ids) > 0 {
		t.Errorf("the dead took %d, %d are parked; the other (-want +got):\n%s", len(dead.ids()), len(l.ids), d)
	}
}

// waitLag returns once so many events wait for a sink.
func waitLag(t *testing.T, d *publish.Delivery, want uint64) {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); ; {
		n, err := d.Lag(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d events wait for %s, want %d", n, d.Name(), want)
		}
	}
}

// endpoint is what the judge of row 35 sees: it outlives processes.
type endpoint struct {
	mu       sync.Mutex
	random   *rand.Rand
	failures int                 // still to come
	taken    map[string]uint64   // the newest revision of each call
	by       map[string]*process // who delivered that
	twice    int
	problems []string
	arrived  chan struct{} // one for each event that is taken for the first time
}

// process is the endpoint as one process of ours reaches it.
type process struct {
	*endpoint
	dead  bool
	twice int // events that it delivered and others had before
	lot   *lot
}

func (*process) Name() string { return "test" }

func (p *process) Deliver(_ context.Context, e event.Event) error {
	time.Sleep(rand.N(3 * time.Millisecond)) // some take longer
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errIll
	}
	if p.failures > 0 && p.random.IntN(40) == 0 {
		p.failures--
		return publish.RetryAfter(errIll, 10*time.Millisecond)
	}
	ref, revision := e.ID.Reference, e.ID.Revision
	switch p.taken[ref] {
	case revision - 1:
		p.taken[ref], p.by[ref] = revision, p
		p.arrived <- struct{}{}
	case revision:
		p.twice++
		if p.by[ref] == p {
			p.problems = append(p.problems, fmt.Sprintf("%s: %d twice by one process", ref, revision))
		}
		p.by[ref] = p
	default:
		p.problems = append(p.problems, fmt.Sprintf("%s: %d after %d", ref, revision, p.taken[ref]))
		if revision > p.taken[ref] { // it was skipped, so others will come late
			p.taken[ref], p.by[ref] = revision, p
		}
		p.arrived <- struct{}{}
	}
	return nil
}

// The place and what is parked are of the state file, which a dead process does
// not reach either.
func (p *process) Place(sink string) ([]byte, error) { return p.lot.Place(sink) }

func (p *process) PutPlace(sink string, place []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return errIll
	}
	return p.lot.PutPlace(sink, place)
}

// kill ends what the process can do. What it has delivered may not be
// acknowledged yet.
func (p *process) kill(js jetstream.JetStream) {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	js.Conn().Close()
}

// Row 35: an endpoint that fails at random, processes that are killed, and a
// server that restarts: each call is delivered in order and whole, and twice only
// what was under way when a process was killed.
func TestFault35RetryKeepsTheOrderOfACall(t *testing.T) {
	t.Parallel()
	const (
		atOnce    = 8
		callCount = 12
		revisions = 80
		kills     = 5
	)
	srv := server(t)
	js := client(t, srv)
	l := &lot{}
	to := &endpoint{
		random: rand.New(rand.NewPCG(1, 2)), failures: 6, taken: map[string]uint64{}, by: map[string]*process{},
		arrived: make(chan struct{}, 2*callCount*revisions),
	}
	var refs []string
	for i := range callCount {
		refs = append(refs, fmt.Sprintf("call-%d", i))
	}
	all := calls(t, revisions, refs...)
	part := len(all) / (kills + 1)
	seen, restarts := 0, 0
	for i := range kills + 1 {
		mine := client(t, srv)
		p := &process{endpoint: to, lot: l}
		d := publish.NewDelivery(publish.DeliveryOptions{
			Sink: p, JetStream: mine, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
			Concurrent: atOnce, AckWait: shortAckWait, Places: p, Park: l.park, Log: quiet,
		})
		prepare(t, mine, d, nil)
		stop := begin(t, d)
		if i < kills {
			store(t, js, all[i*part:(i+1)*part])
		} else {
			store(t, js, all[i*part:])
		}
		restartNow := i%2 == 1
		until := (i + 1) * part * 9 / 10
		if i == kills {
			until = len(all)
		}
		for ; seen < until; seen++ {
			receive(t, to.arrived)
			if restartNow && seen > i*part {
				restart(t, srv, js)
				restarts++
				restartNow = false
			}
		}
		if i == kills {
			waitAcked(t, js)
		} else {
			p.kill(mine)
		}
		stop()
		if p.twice > atOnce {
			t.Errorf("process %d delivered %d events that were delivered before, want %d at most", i, p.twice, atOnce)
		}
		to.twice += p.twice
	}
	for _, ref := range refs {
		if to.taken[ref] != revisions {
			t.Errorf("%s: %d of %d events", ref, to.taken[ref], revisions)
		}
	}
	for _, problem := range to.problems {
		t.Error(problem)
	}
	t.Logf("%d events of %d calls, %d kills, %d restarts of the server, %d failures of the endpoint, %d twice",
		len(all), callCount, kills, restarts, 6-to.failures, to.twice)
}

// restart restarts the server, and returns when a client is connected again.
func restart(t *testing.T, s *natsd.Server, js jetstream.JetStream) {
	t.Helper()
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(testTimeout); ; {
		if err := js.Conn().FlushTimeout(time.Second); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the client does not connect again")
		}
	}
}
