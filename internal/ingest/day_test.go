package ingest_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/ingest"
	"github.com/syllable-notifier/notifier/internal/simulator"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

const (
	dayInterval = 15 * time.Second
	dayBatch    = "20260822.9"
)

// day is a batch of so many calls at 1,000 an hour, on the clock of a bubble,
// with a network between: 50 ms and 10 MB/s.
type day struct {
	sim     *simulator.Simulator
	revised bool // insights change after they were complete

	mu       sync.Mutex
	requests int
	bytes    int64

	unmodified int  // answers
	stuck      bool // its ETag never changes
}

func newDay(t testing.TB, calls int) *day {
	t.Helper()
	return newLifeOf(t, calls, simulator.Campaign{
		HourlyRate: 1000, RetryCount: 1, RetryInterval: 30 * time.Minute,
	}, simulator.Unknown{})
}

// newHour is a day that is over within the hour.
func newHour(t testing.TB, calls int, u simulator.Unknown) *day {
	t.Helper()
	return newLifeOf(t, calls, simulator.Campaign{HourlyRate: 3600, RetryCount: 1, RetryInterval: 2 * time.Minute}, u)
}

func newLifeOf(t testing.TB, calls int, c simulator.Campaign, u simulator.Unknown) *day {
	t.Helper()
	d := &day{revised: u.InsightRevised > 0, sim: simulator.New(simulator.Options{Seed: 7, Now: time.Now, Unknown: u})}
	id := d.sim.AddCampaign(c)
	if err := d.sim.CreateBatch(simulator.NewBatch{ID: dayBatch, CampaignID: id, Calls: calls}); err != nil {
		t.Fatal(err)
	}
	return d
}

// RoundTrip implements http.RoundTripper: the simulator answers.
func (d *day) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if d.stuck {
		w.Header().Set("ETag", `"stuck"`)
	}
	if d.stuck && r.Header.Get("If-None-Match") != "" {
		w.WriteHeader(http.StatusNotModified)
	} else {
		d.sim.Handler().ServeHTTP(w, r)
	}
	size := w.Body.Len()
	d.mu.Lock()
	d.requests++
	d.bytes += int64(size)
	if w.Code == http.StatusNotModified {
		d.unmodified++
	}
	d.mu.Unlock()
	time.Sleep(50*time.Millisecond + time.Duration(size)*100*time.Nanosecond)
	return w.Result(), nil
}

func (d *day) finished() bool { return d.sim.Finished(dayBatch) }

// latencies are how long after they happened changes of request_status were
// seen, sorted. A state that was over before anybody saw it counts as well: it
// was seen when the next one was.
type latencies []time.Duration

func (l latencies) at(share float64) time.Duration { return l[int(share*float64(len(l)-1))] }

// fixed polls the whole list at the target interval and nothing else, and
// returns what that shows: a change is seen by the next list.
func (d *day) fixed(t testing.TB) latencies {
	t.Helper()
	type poll struct{ asked, answered time.Time }
	var polls []poll
	for !d.finished() || len(polls) == 0 {
		asked := time.Now()
		r := httptest.NewRequest(http.MethodGet, "http://host/api/v1/outbound/batches/"+dayBatch+"/results", nil)
		r.Header.Set("Syllable-API-Key", "k")
		resp, err := d.RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("answer %v, error %v", resp, err)
		}
		_ = resp.Body.Close()
		polls = append(polls, poll{asked, time.Now()})
		time.Sleep(time.Until(asked.Add(dayInterval)))
	}
	var l latencies
	for _, m := range d.moments(t) {
		i, _ := slices.BinarySearchFunc(polls, m.at, func(p poll, at time.Time) int { return p.asked.Compare(at) })
		if i < len(polls) {
			l = append(l, polls[i].answered.Sub(m.at))
		}
	}
	slices.Sort(l)
	return l
}

// moment is one value of the request_status of a call.
type moment struct {
	call, value string
	at          time.Time
}

func (d *day) moments(t testing.TB) []moment {
	t.Helper()
	truth, _ := d.sim.Truth(dayBatch)
	var all []moment
	for _, c := range truth {
		for _, m := range c.RequestStatus {
			all = append(all, moment{c.ReferenceID, *m.Value, m.At})
		}
	}
	return all
}

// adaptive lets our poller and a real state watch the day.
func (d *day) adaptive(t testing.TB) latencies {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "notifier.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	stop := d.poll(t, st, dir, nil)
	for !d.finished() {
		time.Sleep(time.Minute)
	}
	rest := 10*time.Minute + dayInterval
	if d.stuck {
		rest *= 3
	}
	time.Sleep(rest)
	stop()
	if n := completed(t, st); n != 1 && !d.revised {
		t.Errorf("completed %d times", n)
	}
	return d.seen(t, st)
}

// poll begins to watch the platform, and returns what ends it.
func (d *day) poll(t testing.TB, st *store.Store, dir string, room func() error) (stop func()) {
	t.Helper()
	client := syllable.New("http://host", "k", "test")
	client.Wrap(func(http.RoundTripper) http.RoundTripper { return d })
	poller := fetch.New(client, ingest.New(st, ingest.Options{
		APIBase: "http://host", Settle: 4 * dayInterval, Log: quiet,
	}), fetch.Options{
		Interval: dayInterval, Discovery: time.Minute, Settle: 4 * dayInterval, Dir: dir, Rate: 20, Room: room, Log: quiet,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		poller.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
		client.Close()
	}
}

// told is what an event said, and when.
type told struct {
	value string
	at    time.Time
}

// field is a field of a call.
type field struct {
	call string
	name event.Field
}

// seen returns when the events in the outbox were observed, and makes sure that
// they end as the platform did.
func (d *day) seen(t testing.TB, st *store.Store) latencies {
	t.Helper()
	events := map[field][]told{}
	_, err := st.Events(0, 1<<30, 1<<40, func(_ uint64, e event.Event) {
		if e.ID.Scope != event.ScopeCall {
			return
		}
		c, err := e.Call()
		if err != nil {
			t.Error(err)
		}
		f := field{c.ReferenceID, c.Field}
		events[f] = append(events[f], told{text(c.To), e.Time})
	})
	if err != nil {
		t.Fatal(err)
	}
	truth, _ := d.sim.Truth(dayBatch)
	for _, c := range truth {
		for name, past := range map[event.Field][]simulator.Moment{
			event.FieldRequestStatus: c.RequestStatus, event.FieldChannelStatus: c.ChannelManagerStatus,
			event.FieldInsightsStatus: c.InsightsStatus,
		} {
			last, chain := text(past[len(past)-1].Value), events[field{c.ReferenceID, name}]
			if len(chain) == 0 && last != "null" || len(chain) > 0 && chain[len(chain)-1].value != last {
				t.Errorf("call %s ends with %s %s, and its events are %v", c.ReferenceID, name, last, chain)
			}
		}
	}
	var l latencies
	for _, m := range d.moments(t) {
		chain := events[field{m.call, event.FieldRequestStatus}]
		// One that was back where it had been before the next poll is not seen
		// by any.
		if i := slices.IndexFunc(chain, func(e told) bool { return !e.at.Before(m.at) }); i >= 0 {
			l = append(l, chain[i].at.Sub(m.at))
		}
	}
	slices.Sort(l)
	return l
}

// completed returns how often the batch was told to be complete.
func completed(t testing.TB, st *store.Store) int {
	t.Helper()
	n := 0
	_, err := st.Events(0, 1<<30, 1<<40, func(_ uint64, e event.Event) {
		if e.Name == event.BatchCompleted {
			n++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var dayCalls = flag.Int("day.calls", 500, "calls of TestDay, at 1,000 an hour; make day has 10,000")

// TestDay watches the life of a batch in two ways, and prints what each took and
// how soon it saw what happened.
func TestDay(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("it measures; what can race shows in TestUnknowns")
	}
	var fixed, adaptive latencies
	var a, b *day
	synctest.Test(t, func(t *testing.T) {
		a = newDay(t, *dayCalls)
		fixed = a.fixed(t)
	})
	synctest.Test(t, func(t *testing.T) {
		b = newDay(t, *dayCalls)
		adaptive = b.adaptive(t)
	})
	t.Logf("%s\n%s", report("fixed", a, fixed), report("adaptive", b, adaptive))
	if 4*b.bytes > a.bytes {
		t.Errorf("%d bytes, more than a quarter of %d", b.bytes, a.bytes)
	}
	if adaptive.at(0.5) > fixed.at(0.5) || adaptive.at(0.99) > 2*dayInterval {
		t.Error("changes are seen too late")
	}
}

func report(name string, d *day, l latencies) string {
	var w bytes.Buffer
	fmt.Fprintf(&w, "%-9s %8d requests %8.1f MB, request_status seen after %v (median) %v (99 %%) %v (last)",
		name, d.requests, float64(d.bytes)/1e6, l.at(0.5).Round(10*time.Millisecond), l.at(0.99).Round(10*time.Millisecond),
		l.at(1).Round(10*time.Millisecond))
	return w.String()
}

// TestUnknowns watches a batch on platforms that differ where nobody documents
// what the real one does.
func TestUnknowns(t *testing.T) {
	t.Parallel()
	for name, u := range map[string]simulator.Unknown{
		"ETag":                          {Validators: simulator.ValidatorsETag},
		"Last-Modified":                 {Validators: simulator.ValidatorsLastModified},
		"in any order":                  {Order: simulator.OrderRandom, Validators: simulator.ValidatorsBoth},
		"last_updated_at does not move": {QuietBatch: true},
		"retries do not show":           {QuietRetry: true},
		"insights are revised":          {InsightRevised: 0.3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newHour(t, 150, u)
				l := d.adaptive(t)
				t.Log(report("", d, l))
				if l.at(0.99) > 2*dayInterval {
					t.Error("changes are seen too late")
				}
			})
		})
	}
}

// A platform that says that a list is the same need not send it again.
func TestNotModified(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]bool{
		simulator.ValidatorsNone: false, simulator.ValidatorsETag: true, simulator.ValidatorsLastModified: true,
	} {
		t.Run(v, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newHour(t, 50, simulator.Unknown{Validators: v})
				d.adaptive(t)
				if t.Logf("%d of %d answers", d.unmodified, d.requests); d.unmodified > 10 != want {
					t.Errorf("%d answers were 304", d.unmodified)
				}
			})
		})
	}
}

// A platform that says for ever that a list is the same is not believed for ever.
func TestNotModifiedForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newHour(t, 50, simulator.Unknown{})
		d.stuck = true
		d.adaptive(t) // and its end is that of the platform
		if d.unmodified < 10 {
			t.Errorf("%d answers were 304", d.unmodified)
		}
	})
}
