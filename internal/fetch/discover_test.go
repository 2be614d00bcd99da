package fetch_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// The bubbles of these tests begin on 2000-01-01.

// account is a platform with many batches and little in them.
type account struct {
	*platform
	read    []int // how many batches each list was read for
	orders  []syllable.Order
	shuffle bool   // the order asked for is passed over
	between func() // is called after each page
}

func (a *account) BatchPage(_ context.Context, o syllable.Order, page, limit int) (syllable.BatchPage, error) {
	if err := a.answer("list", ""); err != nil {
		return syllable.BatchPage{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	all := slices.Clone(a.batches)
	if o == syllable.NewestFirst && !a.shuffle {
		slices.SortStableFunc(all, func(x, y syllable.Batch) int { return -compare(x.LastUpdatedAt, y.LastUpdatedAt) })
	}
	p := pageOf(all, page, limit)
	if page == 0 {
		a.read = append(a.read, 0)
		a.orders = append(a.orders, o)
	}
	a.read[len(a.read)-1] += len(p.Items)
	if a.between != nil {
		a.between()
	}
	return p, nil
}

func compare(a, b *string) int {
	switch {
	case a == nil || b == nil:
		return 0
	case *a < *b:
		return -1
	case *a > *b:
		return 1
	}
	return 0
}

func newAccount(batches int) *account {
	bodies := map[string]string{}
	for i := range batches {
		bodies[fmt.Sprintf("b%04d", i)] = "[]"
	}
	a := &account{platform: newPlatform(bodies)}
	for i := range a.batches {
		at := time.Date(1999, 12, 31, i/60, i%60, 0, 0, time.UTC).Format(time.RFC3339)
		a.batches[i].LastUpdatedAt = &at
	}
	return a
}

func (a *account) change(i int, at string) {
	a.set(func() { a.batches[i].LastUpdatedAt = &at })
}

func startAccount(t *testing.T, a *account, k *taker) *fetch.Poller {
	t.Helper()
	return run(t, a.platform, k, func(o *fetch.Options) { o.Interval = time.Hour }, a)
}

// After the first list, only what changed is read, until an hour has passed.
func TestDiscoveryStopsEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(500)
		startAccount(t, a, newTaker())
		pass(30 * time.Minute)
		a.mu.Lock()
		if a.read[0] != 500 || a.orders[0] != syllable.Steady {
			t.Errorf("the first list was read for %d batches", a.read[0])
		}
		for _, n := range a.read[1:] {
			if n > 100 {
				t.Errorf("lists were read for %v batches, want a page after the first", a.read)
				break
			}
		}
		lists := len(a.read)
		a.mu.Unlock()
		pass(time.Hour)
		a.mu.Lock()
		defer a.mu.Unlock()
		if !slices.Contains(a.read[lists:], 500) {
			t.Error("no whole list within the next hour")
		}
	})
}

// A batch that changes or comes is noticed, whatever its times say.
func TestDiscoveryNeverLosesABatch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		at      string
		shuffle bool
		within  time.Duration
	}{
		"newest":             {"2000-01-01T00:09:00Z", false, 2 * time.Minute},
		"in the far future":  {"2999-01-01T00:00:00Z", false, 2 * time.Minute},
		"in the past":        {"2001-01-01T00:00:00Z", false, 70 * time.Minute},
		"no time at all":     {"", false, 70 * time.Minute},
		"order passed over":  {"2001-01-01T00:00:00Z", true, 2 * time.Minute},
		"the far future too": {"2999-01-01T00:00:00Z", true, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(300)
				a.shuffle = tt.shuffle
				if tt.shuffle {
					slices.Reverse(a.batches[100:])
				}
				startAccount(t, a, newTaker())
				pass(10 * time.Minute)
				if tt.at == "2999-01-01T00:00:00Z" { // and another one had such a time before
					a.change(7, "2998-01-01T00:00:00Z")
					pass(2 * time.Minute)
				}
				a.set(func() {
					b := syllable.Batch{BatchID: "new", Status: "ACTIVE", Raw: []byte("{}")}
					if tt.at != "" {
						b.LastUpdatedAt = &tt.at
					}
					a.batches = append(a.batches, b)
					a.bodies["new"] = list("1")
				})
				pass(tt.within)
				if a.count("results new") == 0 {
					t.Errorf("not found within %v; lists were read for %v", tt.within, a.read)
				}
			})
		})
	}
}

// A batch that is deleted while the list is read moves another one to a page that
// was read already.
func TestDiscoveryOfAListThatShrinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(150)
		a.between = func() {
			a.between = nil
			a.batches = a.batches[1:]
		}
		startAccount(t, a, newTaker())
		pass(time.Second)
		if a.count("results b0100") == 0 {
			t.Errorf("not found; lists were read for %v", a.read)
		}
	})
}

// A quiet batch is asked for at once when the platform says that it changed.
func TestChangeOfABatchHastensItsPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(3)
		k := newTaker()
		for _, b := range a.batches {
			k.held[b.BatchID] = fetch.Held{Completed: true, Polled: time.Now(), Changed: time.Now().Add(-100 * time.Hour)}
		}
		run(t, a.platform, k, nil, a)
		pass(10 * time.Minute)
		a.change(1, "2000-01-01T00:09:00Z")
		a.set(func() {
			at := "2000-01-01T00:09:00Z"
			a.batches[2].Status, a.batches[2].LastUpdatedAt = "PAUSED", &at
		})
		pass(70 * time.Second)
		for id, want := range map[string]int{"b0000": 0, "b0001": 1, "b0002": 1} {
			if n := a.count("results " + id); n < want || want == 0 && n > 0 {
				t.Errorf("batch %s asked for %d times, want %d", id, n, want)
			}
		}
	})
}

// After a restart, batches that were quiet are not all asked for at once.
func TestRestartIsNoStampede(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(200)
		k := newTaker()
		now := time.Now()
		for i, b := range a.batches {
			k.held[b.BatchID] = fetch.Held{
				Completed: i >= 10, Polled: now.Add(-time.Duration(i) * time.Second), Changed: now.Add(-100 * time.Hour),
			}
		}
		run(t, a.platform, k, func(o *fetch.Options) { o.Interval = 15 * time.Second }, a)
		pass(time.Second)
		asked := 0
		for _, b := range a.batches {
			asked += a.count("results " + b.BatchID)
		}
		if asked > 10 {
			t.Errorf("%d batches asked for at once, want those that are not complete", asked)
		}
		pass(time.Hour + 10*time.Minute)
		for _, b := range a.batches {
			if a.count("results "+b.BatchID) == 0 {
				t.Errorf("batch %s was not asked for within its hour", b.BatchID)
			}
		}
	})
}
