package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/ingest"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

const batchID = "20260822.9"

// platform is one batch whose list a test sets.
type platform struct {
	campaign *int64

	mu    sync.Mutex
	body  string
	err   error
	more  int            // calls that are counted, but not listed
	batch syllable.Batch // of itself; Raw is nil where it is not looked at
}

// is says what the batch is like from now on.
func (p *platform) is(status string, deleted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batch = syllable.Batch{Status: status, Raw: fmt.Appendf(nil, `{"batch_id":%q,"status":%q}`, batchID, status)}
	if deleted {
		p.batch.DeletedAt = &status
	}
}

// set says what is answered from now on.
func (p *platform) set(err error, items ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.body = err, "["+strings.Join(items, ",\n")+"]"
}

func (p *platform) BatchPage(context.Context, syllable.Order, int, int) (syllable.BatchPage, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil && !syllable.IsNotFound(p.err) {
		return syllable.BatchPage{}, p.err
	}
	b, pages := p.batch, 1
	b.BatchID, b.CampaignID = batchID, p.campaign
	return syllable.BatchPage{Items: []syllable.Batch{b}, TotalPages: &pages}, nil
}

func (p *platform) Batch(context.Context, string) (syllable.Batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.batch
	b.BatchID, b.CampaignID = batchID, p.campaign
	b.Breakdown = map[string]syllable.Breakdown{}
	if n := strings.Count(p.body, "reference_id") + p.more; n > 0 {
		b.Breakdown["PENDING"] = syllable.Breakdown{Total: n}
	}
	return b, nil
}

func (p *platform) Results(
	_ context.Context, _ string, _ syllable.Filter, _ syllable.Version, w io.Writer,
) (syllable.Version, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return syllable.Version{}, p.err
	}
	_, err := io.WriteString(w, p.body)
	return syllable.Version{}, err
}

func (p *platform) Campaign(_ context.Context, id int64) (syllable.Campaign, error) {
	return syllable.Campaign{ID: id, RetryCount: 1}, nil
}

// world is a poller in a bubble with a real state file, polled once a minute.
type world struct {
	t     *testing.T
	p     *platform
	store *store.Store
	taker *ingest.Ingester
	stop  func()
	path  string
	opts  ingest.Options

	interval, discovery time.Duration
}

func newWorld(t *testing.T, silent bool) *world {
	t.Helper()
	one := int64(1)
	w := &world{
		t: t, p: &platform{campaign: &one, body: "[]"}, path: filepath.Join(t.TempDir(), "notifier.db"),
		// So that no batch is complete, and asked for less often, by itself.
		opts:     ingest.Options{APIBase: "https://api.example.com", Silent: silent, Settle: time.Hour, Log: quiet},
		interval: time.Minute, discovery: time.Hour,
	}
	t.Cleanup(func() { w.kill() })
	return w
}

// start opens the state and polls at once.
func (w *world) start() {
	w.t.Helper()
	st, err := store.Open(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = st
	taker := ingest.New(st, w.opts)
	w.taker = taker
	unfinished, err := taker.Unfinished()
	if err != nil {
		w.t.Fatal(err)
	}
	outage, err := taker.Outage()
	if err != nil {
		w.t.Fatal(err)
	}
	poller := fetch.New(w.p, taker, fetch.Options{
		Interval: w.interval, Discovery: w.discovery, Settle: w.opts.Settle, Dir: filepath.Dir(w.path),
		Herald: taker, Unfinished: unfinished, Outage: outage, Log: quiet,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		poller.Run(ctx)
	}()
	w.stop = func() {
		cancel()
		<-done
		st.Close()
	}
	synctest.Wait()
}

func (w *world) kill() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// poll shows another list and waits until it was polled.
func (w *world) poll(items ...string) {
	w.p.set(nil, items...)
	time.Sleep(70 * time.Second)
	synctest.Wait()
}

// events returns what waits in the outbox as "revision name from→to".
func (w *world) events() []string {
	w.t.Helper()
	var all []string
	_, err := w.store.Events(0, 1<<20, 1<<30, func(_ uint64, e event.Event) {
		if e.ID.Scope != event.ScopeCall {
			return
		}
		c, err := e.Call()
		if err != nil {
			w.t.Error(err)
		}
		all = append(all, fmt.Sprintf("%s/%d %s %s→%s", c.ReferenceID, c.Revision, e.Name, text(c.From), text(c.To)))
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func item(ref, request, channel, insights string) string {
	return fmt.Sprintf(`{"reference_id":%q,"request_status":%q,"channel_manager_status":%q,"insights_status":%s}`,
		ref, request, channel, insights)
}

func (w *world) want(events ...string) {
	w.t.Helper()
	if d := cmp.Diff(events, w.events()); d != "" {
		w.t.Errorf("events (-want +got):\n%s", d)
	}
}

func TestLifeOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, true)
		w.start()
		w.poll(`{"reference_id":"a"}`)
		w.poll(item("a", "INITIATED", "QUEUED", "null"))
		w.poll(item("a", "INITIATED", "QUEUED", "null"))
		w.poll(item("a", "FAILED", "NO-ANSWER", "null"))
		w.kill()
		w.start() // a restart tells nothing again
		w.poll(item("a", "FAILED", "NO-ANSWER", "null"))
		w.poll(item("a", "COMPLETED", "COMPLETED", `"COMPLETED"`))
		w.want(
			"a/1 request.pending null→PENDING",
			"a/2 request.initiated PENDING→INITIATED",
			"a/3 channel.queued null→QUEUED",
			"a/4 request.failed INITIATED→FAILED",
			"a/5 channel.no_answer QUEUED→NO-ANSWER",
			"a/6 request.completed FAILED→COMPLETED",
			"a/7 channel.completed NO-ANSWER→COMPLETED",
			"a/8 insights.completed null→COMPLETED",
		)
	})
}

func TestBaselines(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]bool{"silent": true, "emit": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, silent)
				w.p.set(nil, item("old", "FAILED", "BUSY", "null"))
				w.start()
				w.poll(item("old", "INITIATED", "BUSY", "null"), item("new", "PENDING", "", "null"))
				first := []string{"old/1 request.failed null→FAILED", "old/2 channel.busy null→BUSY"}
				rest := []string{
					"new/1 request.pending null→PENDING", "new/2 channel.unnamed null→",
					"old/%d request.initiated FAILED→INITIATED",
				}
				if silent {
					rest[2] = fmt.Sprintf(rest[2], 1)
					w.want(rest...)
					return
				}
				rest[2] = fmt.Sprintf(rest[2], 3)
				w.want(append(first, rest...)...)
			})
		})
	}
}

// What the first start could not read was there all the same; what it found
// missing was not.
func TestBaselineOfABatchThatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want []string
	}{
		"down": {io.ErrUnexpectedEOF, nil},
		"missing": {
			&syllable.StatusError{Code: 404},
			[]string{"a/1 request.failed null→FAILED", "a/2 channel.busy null→BUSY"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, true)
				w.p.set(tt.err)
				w.start()
				w.kill()
				w.p.set(nil, item("a", "FAILED", "BUSY", "null"))
				w.start()
				w.want(tt.want...)
			})
		})
	}
}

// What is not listed has not gone: nothing is told, and nothing forgotten.
func TestAbsenceIsNotDeletion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, true)
		w.p.set(nil, item("a", "INITIATED", "QUEUED", "null"))
		w.start()
		w.poll()
		w.poll(item("a", "FAILED", "QUEUED", "null"))
		w.want("a/1 request.failed INITIATED→FAILED")
	})
}

// The poll before is the one before, also where it saw no change and was not
// put on record.
func TestObservedBetweenTwoPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, true)
		w.p.set(nil, item("a", "PENDING", "x", "null"))
		w.interval = 10 * time.Second
		w.start()
		time.Sleep(35 * time.Second) // three more polls
		w.p.set(nil, item("a", "FAILED", "x", "null"))
		time.Sleep(12 * time.Second)
		synctest.Wait()
		_, err := w.store.Events(0, 10, 1<<20, func(_ uint64, e event.Event) {
			c, err := e.Call()
			if err != nil {
				t.Fatal(err)
			}
			if d := c.Observed.Until.Sub(*c.Observed.After); d < 9*time.Second || d > 11*time.Second {
				t.Errorf("observed within %v, want an interval of 10 s", d)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A stop in the middle of a long list ends with the commit in hand, and the
// next start tells the rest.
func TestStoppedBetweenChunks(t *testing.T) {
	t.Parallel()
	const n = 3500
	items := make([]string, n)
	for i := range items {
		items[i] = item(fmt.Sprintf("%05d", i), "PENDING", "x", "null")
	}
	path := filepath.Join(t.TempDir(), "notifier.db")
	st, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	ctx, cancel := context.WithCancel(t.Context())
	p := &platform{}
	p.set(nil, items...)
	taker := &stopper{Taker: ingest.New(st, ingest.Options{Log: quiet}), store: st, stop: cancel}
	run := func(ctx context.Context) {
		fetch.New(p, taker, fetch.Options{
			Batches: []string{batchID}, Interval: time.Hour, Discovery: time.Hour, Dir: t.TempDir(), Log: quiet,
		}).Run(ctx)
	}
	run(ctx)
	told, err := st.Pending()
	if err != nil || told == 0 || told >= 2*n {
		t.Fatalf("%d events after the stop, error %v: want some of %d", told, err, 2*n)
	}
	ctx, cancel = context.WithCancel(t.Context())
	taker.stop, taker.whole = cancel, true
	run(ctx)
	if told, err = st.Pending(); err != nil || told != 2*n {
		t.Errorf("%d events after the next start, error %v: want %d", told, err, 2*n)
	}
}

// stopper asks for the stop as soon as something was committed, or at the end.
type stopper struct {
	fetch.Taker
	store *store.Store
	stop  context.CancelFunc
	whole bool
}

func (s *stopper) Take(ctx context.Context, o *fetch.Observation) (fetch.Held, error) {
	if !s.whole {
		done := make(chan struct{})
		defer func() { <-done }()
		go func() {
			defer close(done)
			<-s.store.Committed()
			s.stop()
		}()
		return s.Taker.Take(ctx, o)
	}
	defer s.stop()
	return s.Taker.Take(ctx, o)
}

func TestEventsAreWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, true)
		before := time.Now().UTC()
		w.start()
		raw := `{"reference_id": "r.1","target":"206-555-0142", "new":[1, {"x":"<&>"}],"request_status":"FAILED"}`
		w.poll(raw)
		var got []event.Event
		if _, err := w.store.Events(0, 10, 1<<20, func(_ uint64, e event.Event) { got = append(got, e) }); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 {
			t.Fatalf("%d events", len(got))
		}
		e := got[0]
		c, err := e.Call()
		if err != nil {
			t.Fatal(err)
		}
		if string(c.Result) != raw {
			t.Errorf("result %s, want it verbatim", c.Result)
		}
		if c.Observed.After == nil || !c.Observed.After.Equal(before) || !c.Observed.Until.After(before) ||
			!e.Time.Equal(c.Observed.Until) {
			t.Errorf("observed %v until %v at %v; the poll before was at %v", c.Observed.After, c.Observed.Until, e.Time, before)
		}
		id := event.ID{Store: w.store.ID(), Batch: batchID, Reference: "r.1", Revision: 1}
		if e.ID != id || e.Source != "https://api.example.com/api/v1/outbound/batches/20260822%2E9" ||
			e.CampaignID == nil || *e.CampaignID != 1 || *c.CampaignID != 1 {
			t.Errorf("event %+v", e)
		}
		if !json.Valid(e.Data) {
			t.Errorf("data %s", e.Data)
		}
	})
}

// An observation larger than a transaction is committed in several, and none
// of its calls is told twice or left out.
func TestManyCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		const n = 2500
		items := make([]string, n)
		for i := range items {
			items[i] = item(fmt.Sprintf("%05d", i), "PENDING", "x", "null")
		}
		w.start()
		w.poll(items...)
		items[1234] = item("01234", "FAILED", "x", "null")
		w.poll(items...)
		got := w.events()
		if len(got) != 2*n+1 || got[len(got)-1] != "01234/3 request.failed PENDING→FAILED" {
			t.Errorf("%d events, the last %s", len(got), got[len(got)-1])
		}
	})
}

// However often the process ends, the events of each call are one chain, and
// the last of it is what was seen last.
func TestChainsOverRestarts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		silent := rapid.Bool().Draw(rt, "silent")
		type step struct {
			restart bool
			values  [3]string
		}
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
			value := rapid.SampledFrom([]string{"PENDING", "FAILED", "OK"})
			return step{
				rapid.Bool().Draw(t, "restart"),
				[3]string{value.Draw(t, "a"), value.Draw(t, "b"), value.Draw(t, "c")},
			}
		}), 1, 8).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, silent)
			w.start()
			for _, s := range steps {
				if s.restart {
					w.kill()
					w.start()
				}
				var items []string
				for i, v := range s.values {
					items = append(items, fmt.Sprintf(`{"reference_id":"%c","request_status":%q}`, 'a'+i, v))
				}
				w.poll(items...)
			}
			last := map[string]event.Call{}
			if _, err := w.store.Events(0, 1<<20, 1<<30, func(_ uint64, e event.Event) {
				if e.ID.Scope != event.ScopeCall {
					return
				}
				c, err := e.Call()
				if err != nil {
					t.Fatal(err)
				}
				before, seen := last[c.ReferenceID]
				if c.Revision != before.Revision+1 || seen && text(c.From) != text(before.To) || text(c.From) == text(c.To) {
					t.Fatalf("%s follows %s/%d %s", e.ID, before.ReferenceID, before.Revision, text(before.To))
				}
				last[c.ReferenceID] = c
			}); err != nil {
				t.Fatal(err)
			}
			for i, v := range steps[len(steps)-1].values {
				ref := string(rune('a' + i))
				if got := text(last[ref].To); got != v {
					t.Fatalf("call %s: the last event says %s, seen was %s", ref, got, v)
				}
			}
		})
	})
}
