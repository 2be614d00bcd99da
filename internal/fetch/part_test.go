package fetch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// bigBatch is a platform with one batch, large enough to be polled in parts.
type bigBatch struct {
	mu       sync.Mutex
	calls    map[string]state
	requests []string // in words
	fail     string   // the request that fails

	uncounted bool // the details have no counts
	unsorted  bool // filters are passed over
	skew      int  // by which the counts of FAILED are off
}

type state struct{ request, channel, insights string }

const bigCalls = 400

func newBigBatch() *bigBatch {
	b := &bigBatch{calls: map[string]state{}}
	for i := range bigCalls {
		b.calls[fmt.Sprintf("r%03d", i)] = state{request: "PENDING"}
	}
	return b
}

func (b *bigBatch) set(ref string, s state) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[ref] = s
}

// refuse makes a request fail, "" none.
func (b *bigBatch) refuse(request string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = request
}

func (b *bigBatch) remove(ref string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.calls, ref)
}

// asked returns the requests since the last time.
func (b *bigBatch) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.requests
	b.requests = nil
	return all
}

func (b *bigBatch) note(request string) error {
	b.requests = append(b.requests, request)
	if request == b.fail {
		return &syllable.StatusError{Code: 500}
	}
	return nil
}

func (b *bigBatch) BatchPage(_ context.Context, _ syllable.Order, page, limit int) (syllable.BatchPage, error) {
	return pageOf([]syllable.Batch{{BatchID: "big", Status: "ACTIVE", Raw: []byte("{}")}}, page, limit), nil
}

func (b *bigBatch) Batch(context.Context, string) (syllable.Batch, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := syllable.Batch{BatchID: "big", Status: "ACTIVE", Raw: []byte("{}")}
	if err := b.note("counts"); err != nil || b.uncounted {
		return d, err
	}
	d.Breakdown = map[string]syllable.Breakdown{}
	for _, s := range b.calls {
		n := d.Breakdown[s.request]
		if n.Channel == nil {
			n.Channel = map[string]int{}
		}
		n.Total++
		if s.channel != "" {
			n.Channel[s.channel]++
		}
		d.Breakdown[s.request] = n
	}
	if b.skew != 0 {
		n := d.Breakdown["FAILED"]
		n.Total += b.skew
		d.Breakdown["FAILED"] = n
	}
	return d, nil
}

func (b *bigBatch) Campaign(context.Context, int64) (syllable.Campaign, error) {
	return syllable.Campaign{}, nil
}

func (b *bigBatch) Results(
	_ context.Context, _ string, f syllable.Filter, _ syllable.Version, w io.Writer,
) (syllable.Version, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.note(strings.Trim(fmt.Sprint("list ", f.ReferenceID, f.Status, "/", f.InsightsStatus), "/ ")); err != nil {
		return syllable.Version{}, err
	}
	var items []string
	for _, ref := range slices.Sorted(maps.Keys(b.calls)) {
		s := b.calls[ref]
		if !b.unsorted && (f.ReferenceID != "" && f.ReferenceID != ref || f.Status != "" && f.Status != s.request ||
			f.InsightsStatus != "" && f.InsightsStatus != s.insights) {
			continue
		}
		item := map[string]any{"reference_id": ref, "request_status": s.request, "x": strings.Repeat("x", 200)}
		if s.channel != "" {
			item["channel_manager_status"] = s.channel
		}
		if s.insights != "" {
			item["insights_status"] = s.insights
		}
		raw, err := json.Marshal(item)
		if err != nil {
			return syllable.Version{}, err
		}
		items = append(items, string(raw))
	}
	_, err := io.WriteString(w, "["+strings.Join(items, ",")+"]")
	return syllable.Version{}, err
}

// keeper is a taker that keeps what it saw, as the real one does.
type keeper struct {
	mu     sync.Mutex
	calls  map[string]state
	events uint64
	whole  int // lists
	absent int // calls
	since  time.Time
}

func (k *keeper) Seen(batches []syllable.Batch, _, _ time.Time) ([]fetch.Held, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]fetch.Held, len(batches))
	for i := range all {
		all[i] = k.held()
	}
	return all, nil
}

func (k *keeper) Take(ctx context.Context, o *fetch.Observation) (fetch.Held, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.since = o.Since
	listed := map[string]bool{}
	if !o.Partial {
		k.whole++
	}
	if o.Unchanged {
		return k.held(), nil
	}
	err := o.Each(ctx, func(r syllable.Result) error {
		s := state{request: *r.RequestStatus}
		if r.ChannelStatus != nil {
			s.channel = *r.ChannelStatus
		}
		if r.InsightsStatus != nil {
			s.insights = *r.InsightsStatus
		}
		if k.calls[r.ReferenceID] != s {
			k.calls[r.ReferenceID] = s
			k.events++
		}
		listed[r.ReferenceID] = true
		return nil
	})
	if !o.Partial {
		k.absent = len(k.calls) - len(listed)
	}
	return k.held(), err
}

func (k *keeper) Gone(string) error { return nil }

func (k *keeper) held() fetch.Held {
	h := fetch.Held{Calls: map[string]map[string]int{}, Absent: k.absent, Events: k.events}
	for _, s := range k.calls {
		if h.Calls[s.request] == nil {
			h.Calls[s.request] = map[string]int{}
		}
		h.Calls[s.request][s.channel]++
	}
	return h
}

// lists returns how many whole lists were taken since the last time.
func (k *keeper) lists() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.whole
	k.whole = 0
	return n
}

func (k *keeper) is(ref string) state {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls[ref]
}

// inParts runs a test on a poller that has read the batch once, every 10 s.
func inParts(t *testing.T, test func(t *testing.T, b *bigBatch, k *keeper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b, k := newBigBatch(), &keeper{calls: map[string]state{}}
		startPoller(t, b, k)
		synctest.Wait()
		if len(k.calls) != bigCalls || k.lists() != 1 {
			t.Fatalf("%d calls", len(k.calls))
		}
		b.asked()
		test(t, b, k)
	})
}

func startPoller(t *testing.T, b *bigBatch, k *keeper) {
	t.Helper()
	poller := fetch.New(b, k, fetch.Options{
		Interval: 10 * time.Second, Discovery: time.Hour, Settle: 40 * time.Second, Dir: t.TempDir(), Log: quiet,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		poller.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func TestPartsFollowACall(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
		t.Helper()
		for _, s := range []state{
			{"INITIATED", "QUEUED", ""}, {"CONNECTED", "IN-PROGRESS", ""}, {"COMPLETED", "COMPLETED", ""},
			{"COMPLETED", "COMPLETED", "PENDING"}, {"COMPLETED", "COMPLETED", "PROCESSING"},
			{"COMPLETED", "COMPLETED", "COMPLETED"},
		} {
			b.set("r007", s)
			pass(12 * time.Second)
			if got := k.is("r007"); got != s {
				t.Errorf("%v is held as %v; asked %v", s, got, b.asked())
			}
		}
		if n := k.lists(); n != 0 {
			t.Errorf("%d whole lists, want none", n)
		}
		if since := time.Since(k.since); since > 30*time.Second {
			t.Errorf("what was seen last had been looked at %v before", since)
		}
	})
}

// The idle poll of a large batch asks for the counts, and for the insights that
// the counts say nothing of.
func TestPartsOfAnIdleBatch(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, _ *keeper) {
		t.Helper()
		pass(11 * time.Second)
		if d := cmp.Diff([]string{"counts", "list /PENDING", "list /PROCESSING"}, b.asked()); d != "" {
			t.Errorf("asked (-want +got):\n%s", d)
		}
	})
}

// A call that went through all of it between two polls shows in the counts.
func TestCountsShowWhatNoListShowed(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
		t.Helper()
		b.set("r007", state{"FAILED", "BUSY", ""})
		pass(11 * time.Second)
		if got := k.is("r007"); got.request != "FAILED" {
			t.Errorf("held as %v; asked %v", got, b.asked())
		}
		b.set("r007", state{"FAILED", "DECLINED", ""}) // the same request_status
		b.set("new", state{"PENDING", "", ""})
		pass(22 * time.Second)
		if k.is("r007").channel != "DECLINED" || k.is("new").request != "PENDING" {
			t.Errorf("held as %v and %v; asked %v", k.is("r007"), k.is("new"), b.asked())
		}
		if n := k.lists(); n != 0 {
			t.Errorf("%d whole lists, want none", n)
		}
	})
}

// Opposite moves leave the counts as they were: the whole list shows them, in
// 40 intervals at the latest.
func TestWholeListShowsOppositeMoves(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
		t.Helper()
		b.set("r001", state{"FAILED", "BUSY", ""})
		pass(11 * time.Second)
		b.set("r001", state{"COMPLETED", "COMPLETED", ""})
		b.set("r002", state{"FAILED", "BUSY", ""})
		b.set("r003", state{"COMPLETED", "COMPLETED", "FAILED"}) // its insights show in no count
		pass(11 * time.Second)
		b.set("r001", state{"FAILED", "BUSY", ""})
		b.set("r002", state{"COMPLETED", "COMPLETED", ""})
		b.set("r003", state{"COMPLETED", "COMPLETED", "COMPLETED"})
		pass(410 * time.Second)
		want := map[string]state{
			"r001": {"FAILED", "BUSY", ""}, "r002": {"COMPLETED", "COMPLETED", ""},
			"r003": {"COMPLETED", "COMPLETED", "COMPLETED"},
		}
		for ref, s := range want {
			if k.is(ref) != s {
				t.Errorf("%s is held as %v, want %v", ref, k.is(ref), s)
			}
		}
	})
}

func TestWholeListsWhereThePlatformDoesNotCount(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
		t.Helper()
		b.uncounted = true
		b.set("r007", state{"FAILED", "BUSY", ""})
		pass(11 * time.Second)
		if got := k.is("r007"); got.request != "FAILED" || k.lists() != 1 {
			t.Errorf("held as %v; asked %v", got, b.asked())
		}
	})
}

// A platform that passes over the filters tells more than it was asked for.
func TestFiltersThatArePassedOver(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
		t.Helper()
		b.unsorted = true
		for _, s := range []state{{"INITIATED", "QUEUED", ""}, {"FAILED", "BUSY", ""}, {"INITIATED", "QUEUED", ""}} {
			b.set("r007", s)
			pass(12 * time.Second)
			if got := k.is("r007"); got != s {
				t.Errorf("%v is held as %v", s, got)
			}
		}
	})
}

// Counts that never fit do not make every poll a whole list.
func TestCountsThatDoNotFit(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
		t.Helper()
		b.skew = 3
		b.set("r001", state{"FAILED", "BUSY", ""})
		pass(2 * time.Minute)
		if n := k.lists(); n == 0 || n > 2 {
			t.Errorf("%d whole lists to explain the counts, want one or two", n)
		}
		b.asked()
		pass(time.Minute)
		if got := strings.Join(b.asked(), ","); k.lists() != 0 || strings.Contains(got, "FAILED") {
			t.Errorf("asked %v although the difference is known", got)
		}
		b.set("r002", state{"FAILED", "BUSY", ""})
		pass(12 * time.Second)
		if k.is("r002").request != "FAILED" {
			t.Error("a difference that is known hides a call")
		}
	})
}

// A call that left its list is not forgotten when it could not be looked up.
func TestLookUpThatFails(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
		t.Helper()
		b.set("r007", state{"COMPLETED", "COMPLETED", "PENDING"})
		pass(12 * time.Second)
		b.set("r007", state{"COMPLETED", "COMPLETED", "COMPLETED"})
		b.refuse("list r007")
		pass(20 * time.Second)
		b.refuse("")
		pass(5 * time.Minute)
		if got := k.is("r007"); got.insights != "COMPLETED" {
			t.Errorf("held as %v; asked %v", got, b.asked())
		}
	})
}

// Fewer calls than are held is for whole lists to confirm.
func TestFewerCallsAskForWholeLists(t *testing.T) {
	t.Parallel()
	inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
		t.Helper()
		b.remove("r007")
		pass(2 * time.Minute)
		if n := k.lists(); n < 5 {
			t.Errorf("%d whole lists in two minutes, want enough to confirm that a call is missing", n)
		}
	})
}

// Whatever the platform does, what is held agrees with it after the longest time
// between two whole lists, and calls on the move much sooner.
func TestPartsAgreeWithThePlatform(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		states := []state{
			{"PENDING", "", ""}, {"INITIATED", "QUEUED", ""}, {"CONNECTED", "IN-PROGRESS", ""}, {"RINGING", "", ""},
			{"FAILED", "BUSY", ""}, {"FAILED", "DECLINED", ""}, {"COMPLETED", "COMPLETED", "PENDING"},
			{"COMPLETED", "COMPLETED", "PROCESSING"}, {"COMPLETED", "COMPLETED", "COMPLETED"},
		}
		type move struct {
			ref  int
			to   state
			wait int // seconds
		}
		moves := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) move {
			return move{
				rapid.IntRange(0, 5).Draw(t, "call"), rapid.SampledFrom(states).Draw(t, "to"),
				rapid.SampledFrom([]int{0, 0, 1, 7, 15}).Draw(t, "wait"),
			}
		}), 1, 40).Draw(rt, "moves")
		inParts(t, func(t *testing.T, b *bigBatch, k *keeper) {
			t.Helper()
			for _, m := range moves {
				b.set(fmt.Sprintf("r%03d", m.ref), m.to)
				pass(time.Duration(m.wait) * time.Second)
			}
			pass(30 * time.Second)
			for ref, s := range b.calls {
				if syllable.PhaseOf(&s.request) == syllable.Moving && k.is(ref) != s {
					t.Fatalf("%s is %v, and held as %v", ref, s, k.is(ref))
				}
			}
			pass(400 * time.Second)
			if d := cmp.Diff(b.calls, k.calls, cmp.AllowUnexported(state{})); d != "" {
				t.Fatalf("held (-platform +held):\n%s", d)
			}
		})
	})
}
