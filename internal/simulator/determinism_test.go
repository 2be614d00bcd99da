package simulator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var busyCampaign = Campaign{HourlyRate: 3600, RetryCount: 2, RetryInterval: 10 * time.Minute}

func TestObservingChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		batch := NewBatch{ID: "20260822.9", CampaignID: 1, Calls: 40, ExpiresOn: epoch.Add(40 * time.Minute)}
		polled, polledClock := newTest(t)
		unpolled, unpolledClock := newTest(t)
		for _, s := range []*Simulator{polled, unpolled} {
			s.AddCampaign(busyCampaign)
			if err := s.CreateBatch(batch); err != nil {
				rt.Fatal(err)
			}
		}
		seen := map[string]*observed{}
		steps := rapid.SliceOfN(rapid.IntRange(1, 120_000), 1, 40).Draw(rt, "milliseconds between polls")
		for _, ms := range steps {
			polledClock.advance(time.Duration(ms) * time.Millisecond)
			unpolledClock.advance(time.Duration(ms) * time.Millisecond)
			for _, r := range results(t, polled, batch.ID) {
				if seen[r.ReferenceID] == nil {
					seen[r.ReferenceID] = &observed{}
				}
				seen[r.ReferenceID].add(r)
			}
		}
		want, got := truth(t, unpolled, batch.ID), truth(t, polled, batch.ID)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("truth differs when polled (-unpolled +polled):\n%s", diff)
		}
		_, wantBody := send(unpolled, "GET", api+"/batches/20260822.9/results", "")
		_, gotBody := send(polled, "GET", api+"/batches/20260822.9/results", "")
		if wantBody != gotBody {
			rt.Fatal("results differ when polled")
		}
		if diff := cmp.Diff(unpolled.Batches(), polled.Batches()); diff != "" {
			rt.Fatalf("batches differ when polled (-unpolled +polled):\n%s", diff)
		}
		for _, c := range got {
			seen[c.ReferenceID].check(rt, c)
		}
	})
}

// observed is what polling saw of one call.
type observed struct{ request, channel, insights []string }

func (o *observed) add(r result) {
	o.request = append(o.request, r.RequestStatus)
	o.channel = append(o.channel, text(r.ChannelManagerStatus))
	o.insights = append(o.insights, text(r.InsightsStatus))
}

func (o *observed) check(t rapid.TB, c CallTruth) {
	t.Helper()
	for _, f := range []struct {
		name string
		seen []string
		past []Moment
	}{
		{"request_status", o.request, c.RequestStatus},
		{"channel_manager_status", o.channel, c.ChannelManagerStatus},
		{"insights_status", o.insights, c.InsightsStatus},
	} {
		i := 0
		for _, v := range slices.Compact(f.seen) {
			for i < len(f.past) && text(f.past[i].Value) != v {
				i++
			}
			if i == len(f.past) {
				t.Fatalf("%s of %s: saw %v, truth is %s", f.name, c.ReferenceID, f.seen, values(f.past))
			}
			i++
		}
	}
}

func TestTruthIsInOrder(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 300})
	runDry(t, s, clk, "b")
	for _, c := range truth(t, s, "b") {
		for _, past := range [][]Moment{c.RequestStatus, c.ChannelManagerStatus, c.InsightsStatus} {
			if !past[0].At.Equal(epoch) {
				t.Errorf("%s: begins at %v, created at %v", c.ReferenceID, past[0].At, epoch)
			}
			for i := 1; i < len(past); i++ {
				if !past[i].At.After(past[i-1].At) || text(past[i].Value) == text(past[i-1].Value) {
					t.Errorf("%s: %s is out of order or repeats", c.ReferenceID, values(past))
				}
			}
		}
	}
}

// What a call does, apart from when it is dialled, is its own.
func TestCallsAreIndependent(t *testing.T) {
	t.Parallel()
	lives := func(calls int) []string {
		s, clk := newTest(t)
		mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: calls})
		runDry(t, s, clk, "b")
		var all []string
		for _, c := range truth(t, s, "b")[:50] {
			all = append(all, fmt.Sprintln(values(c.RequestStatus), values(c.ChannelManagerStatus), values(c.InsightsStatus)))
		}
		return all
	}
	if diff := cmp.Diff(lives(50), lives(500)); diff != "" {
		t.Errorf("lives depend on the size of the batch (-50 +500):\n%s", diff)
	}
}

func TestSeedMatters(t *testing.T) {
	t.Parallel()
	bodies := map[string]bool{}
	for seed := range uint64(3) {
		clk := &clock{now: epoch}
		s := New(Options{Seed: seed, Now: clk.Now})
		mustCreate(t, s, Campaign{}, NewBatch{ID: "b", Calls: 10})
		_, body := send(s, "GET", api+"/batches/b/results", "")
		bodies[body] = true
	}
	if len(bodies) != 3 {
		t.Errorf("3 seeds made %d different batches", len(bodies))
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	clk := &clock{now: epoch}
	s := New(Options{Speed: 60, Start: epoch.AddDate(1, 0, 0), Now: clk.Now})
	clk.advance(1500 * time.Millisecond)
	want := epoch.AddDate(1, 0, 0).Add(90 * time.Second)
	if got := s.Now(); !got.Equal(want) {
		t.Errorf("Now() = %v, want %v", got, want)
	}
	clk.advance(-time.Hour)
	if got := s.Now(); !got.Equal(want) {
		t.Errorf("Now() = %v after the real clock went back, want %v", got, want)
	}
	fast := New(Options{Speed: 1e300, Now: clk.Now})
	clk.advance(time.Hour)
	if got := fast.Now(); got.Year() < 2200 || got.Year() > 2300 {
		t.Errorf("Now() = %v at an absurd speed, want it to stop after 250 years", got)
	}
}
