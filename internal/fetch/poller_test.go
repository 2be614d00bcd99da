package fetch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pass lets d go by on the bubble's clock.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestDiscoversAndPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1", "2")})
		k := newTaker()
		poller := run(t, p, k, nil)
		if poller.Ready() == nil {
			t.Error("ready at once")
		}
		synctest.Wait()
		if err := poller.Ready(); err != nil {
			t.Errorf("not ready after the first poll: %v", err)
		}
		pass(12 * time.Second)
		p.set(func() { p.bodies["a"] = list("1", "2", "3") })
		pass(10 * time.Second)
		if d := cmp.Diff([]string{"a: 1 2", "a: unchanged", "a: 1 2 3"}, k.all()); d != "" {
			t.Errorf("taken (-want +got):\n%s", d)
		}
		two := int64(2)
		p.set(func() {
			p.batches = append(p.batches, syllable.Batch{BatchID: "b", CampaignID: &two})
			p.bodies["b"] = list("9")
		})
		pass(time.Minute)
		if p.count("results b") == 0 {
			t.Error("a batch that came later is not polled")
		}
		discovered, _, _ := k.snapshot()
		if d := cmp.Diff([][]string{{"a"}}, discovered); d != "" {
			t.Errorf("told as there at the start (-want +got):\n%s", d)
		}
	})
}

func TestIntervalIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1")})
		p.took = 3 * time.Second // an answer takes part of the interval
		run(t, p, newTaker(), nil)
		pass(10 * time.Minute)
		asked := p.times("results a")
		if n := len(asked); n < 54 || n > 67 {
			t.Errorf("%d polls in 10 minutes at 10 s", n)
		}
		for i := 1; i < len(asked); i++ {
			if d := asked[i].Sub(asked[i-1]); d < 9*time.Second || d > 11*time.Second {
				t.Errorf("%v between two polls, want 10 s and a tenth", d)
			}
		}
	})
}

func TestCampaignsLimitDiscovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1"), "b": list("2"), "c": list("3"), "d": list("4")})
		two := int64(2)
		deleted := "2026-08-22T10:00:00Z"
		p.batches[1].CampaignID = &two
		p.batches[2].CampaignID = nil
		p.batches[3].DeletedAt = &deleted
		k := newTaker()
		run(t, p, k, func(o *fetch.Options) { o.Campaigns = []int64{1} })
		synctest.Wait()
		if d := cmp.Diff([]string{"a: 1"}, k.all()); d != "" {
			t.Errorf("taken (-want +got):\n%s", d)
		}
	})
}

func TestConfiguredBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1"), "b": list("2")})
		k := newTaker()
		run(t, p, k, func(o *fetch.Options) { o.Batches = []string{"a", "missing"} })
		synctest.Wait()
		if d := cmp.Diff([]string{"a: 1"}, k.all()); d != "" {
			t.Errorf("taken (-want +got):\n%s", d)
		}
		_, gone, last := k.snapshot()
		if d := cmp.Diff([]string{"missing"}, gone); d != "" {
			t.Errorf("gone (-want +got):\n%s", d)
		}
		if c := last.CampaignID; c == nil || *c != 1 {
			t.Errorf("campaign %v, want 1: it is learnt from the batch's details", c)
		}
		pass(5 * time.Minute)
		if n := p.count("details missing"); n < 4 || n > 7 {
			t.Errorf("a missing batch was asked for %d times in 5 minutes, want about once each", n)
		}
		if listed, missed := p.count("list"), p.count("details missing"); listed != missed {
			t.Errorf("listed %d times, want once for each of %d misses, and not to discover", listed, missed)
		}
		one := int64(1)
		p.set(func() {
			p.batches = append(p.batches, syllable.Batch{BatchID: "missing", CampaignID: &one})
			p.bodies["missing"] = list("new")
		})
		pass(2 * time.Minute)
		if p.count("results missing") == 0 {
			t.Error("a batch that appeared is not polled")
		}
	})
}

// A 404 may also come from a wrong address or key: then it says nothing of the
// batch.
func TestGoneIsNotBelievedWithoutAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(nil)
		p.errs[""] = &syllable.StatusError{Code: 404}
		k := newTaker()
		poller := run(t, p, k, func(o *fetch.Options) { o.Batches = []string{"missing"} })
		pass(5 * time.Minute)
		if _, gone, _ := k.snapshot(); len(gone) != 0 || poller.Ready() == nil {
			t.Errorf("gone %v, ready %v", gone, poller.Ready() == nil)
		}
		p.set(func() { delete(p.errs, "") })
		pass(10 * time.Minute)
		if _, gone, _ := k.snapshot(); len(gone) == 0 || poller.Ready() != nil {
			t.Errorf("gone %v, ready %v", gone, poller.Ready())
		}
	})
}

// The taker failed in the middle of a list. That the platform then shows the
// list before it again must not pass for no change.
func TestAListAfterAFailureCountsAsChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1")})
		k := newTaker()
		run(t, p, k, nil)
		synctest.Wait()
		k.fail(errDown)
		p.set(func() { p.bodies["a"] = list("1", "2") })
		pass(11 * time.Second)
		k.fail(nil)
		p.set(func() { p.bodies["a"] = list("1") })
		pass(time.Minute)
		if got := k.all(); len(got) < 2 || got[1] != "a: 1" {
			t.Errorf("taken %v, want the list again", got)
		}
	})
}

func TestWhatIsNotValidReachesNobody(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"HTML": "<html>", "null": "null", "cut": `[{"reference_id":"1"},{"ref`, "garbage": "[]garbage",
		"a bad result at the end": `[{"reference_id":"1"},{"reference_id":""}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(map[string]string{"a": body})
				k := newTaker()
				poller := run(t, p, k, nil)
				pass(time.Minute)
				if len(k.all()) != 0 || poller.Ready() == nil {
					t.Errorf("taken %v, ready %v", k.all(), poller.Ready() == nil)
				}
				if n := p.count("results a"); n < 2 {
					t.Errorf("asked %d times, want again and again", n)
				}
				p.set(func() { p.bodies["a"] = list("1") })
				pass(5 * time.Minute)
				if got := k.all(); len(got) == 0 || got[0] != "a: 1" {
					t.Errorf("taken %v after it recovered", got)
				}
			})
		})
	}
}

func TestFailuresWaitLongerAndKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"bad": list("1"), "good": list("2")})
		p.errs["bad"] = errDown
		run(t, p, newTaker(), nil)
		pass(30 * time.Minute)
		if n := p.count("results good"); n < 100 { // it gets quiet itself
			t.Errorf("the other batch was polled %d times in 30 minutes", n)
		}
		if n := p.count("results bad"); n < 6 || n > 16 {
			t.Errorf("the failing batch was asked for %d times in 30 minutes, want ever more rarely, to every 5 minutes", n)
		}
	})
}

func TestRefusedKeyAndRetryAfterSlowDown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err   error
		least time.Duration
	}{
		"401":         {&syllable.StatusError{Code: 401}, time.Minute},
		"Retry-After": {&syllable.StatusError{Code: 429, RetryAfter: 8 * time.Minute}, 8 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(map[string]string{"a": list("1")})
				p.errs["a"] = tt.err
				run(t, p, newTaker(), nil)
				pass(30 * time.Minute)
				asked := p.times("results a")
				if len(asked) < 2 {
					t.Fatal("not asked again")
				}
				for i := 1; i < len(asked); i++ {
					if d := asked[i].Sub(asked[i-1]); d < tt.least {
						t.Errorf("asked again after %v, want %v at least", d, tt.least)
					}
				}
			})
		})
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bodies := map[string]string{}
		for i := range 20 {
			bodies[fmt.Sprint(i)] = list("1")
		}
		p := newPlatform(bodies)
		p.took = 100 * time.Millisecond
		k := newTaker()
		run(t, p, k, func(o *fetch.Options) { o.Concurrent = 3 })
		pass(5 * time.Second)
		p.set(func() {
			if p.most != 3 {
				t.Errorf("%d requests under way at once, want 3", p.most)
			}
		})
		if n := len(k.all()); n != 20 {
			t.Errorf("%d of 20 batches were read", n)
		}
	})
}

// A list that the taker could not keep is offered again, whole.
func TestTakerFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1")})
		k := newTaker()
		k.fail(errDown)
		run(t, p, k, nil)
		pass(2 * time.Minute)
		k.fail(nil)
		pass(10 * time.Minute)
		if got := k.all(); len(got) == 0 || got[0] != "a: 1" {
			t.Errorf("taken %v", got)
		}
		discovered, _, _ := k.snapshot()
		if d := cmp.Diff([][]string{{"a"}}, discovered); d != "" {
			t.Errorf("discovered (-want +got):\n%s", d)
		}
	})
}

func TestEndedBatchIsPolledRarely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1")})
		p.batches[0].Status = "EXPIRED"
		run(t, p, newTaker(), nil)
		pass(30 * time.Minute)
		if n := p.count("results a"); n < 8 || n > 14 {
			t.Errorf("polled %d times in 30 minutes, want about every 200 s once it has settled", n)
		}
	})
}

func TestNoBatchesIsReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(nil)
		p.errs[""] = errDown
		poller := run(t, p, newTaker(), nil)
		pass(time.Second)
		if poller.Ready() == nil {
			t.Error("ready although the batches could not be listed")
		}
		p.set(func() { delete(p.errs, "") })
		pass(5 * time.Minute)
		if err := poller.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}
