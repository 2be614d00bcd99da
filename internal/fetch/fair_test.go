package fetch_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// crowd is a platform with a thousand batches, one of them huge, behind a
// network of 50 ms and 10 MB/s.
type crowd struct {
	*account
	huge  string
	calls string // the list of the huge batch

	mu    sync.Mutex
	times []time.Time // of all requests
	now   int         // under way
	most  int
}

// network lets a request take its time and returns what ends it.
func (c *crowd) network(bytes int) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times = append(c.times, time.Now())
	c.now++
	c.most = max(c.most, c.now)
	return func() {
		time.Sleep(50*time.Millisecond + time.Duration(bytes)*100*time.Nanosecond)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}
}

func (c *crowd) BatchPage(ctx context.Context, o syllable.Order, page, limit int) (syllable.BatchPage, error) {
	defer c.network(300 * limit)()
	return c.account.BatchPage(ctx, o, page, limit)
}

func (c *crowd) Batch(ctx context.Context, id string) (syllable.Batch, error) {
	defer c.network(300)()
	return c.account.Batch(ctx, id)
}

func (c *crowd) Campaign(ctx context.Context, id int64) (syllable.Campaign, error) {
	defer c.network(300)()
	return c.account.Campaign(ctx, id)
}

func (c *crowd) Results(
	ctx context.Context, batch string, f syllable.Filter, v syllable.Version, w io.Writer,
) (syllable.Version, error) {
	if batch != c.huge {
		defer c.network(2)()
		return c.account.Results(ctx, batch, f, v, w)
	}
	defer c.network(len(c.calls))()
	if err := c.answer("results ", batch); err != nil {
		return v, err
	}
	_, err := io.WriteString(w, c.calls)
	return syllable.Version{}, err
}

// TestFairness has a thousand batches, one of them with 100,000 results.
func TestFairness(t *testing.T) {
	t.Parallel()
	const interval, rate, concurrent = 15 * time.Second, 100, 16
	results := 100_000
	if underRace {
		results = 10_000
	}
	var items strings.Builder
	for i := range results {
		fmt.Fprintf(&items, `,{"reference_id":"r%06d","target":"206-555-0142","request_status":"INITIATED",%s}`,
			i, `"request_variables":{"a":"`+strings.Repeat("x", 500)+`"}`)
	}
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{account: newAccount(1000), huge: "b0500", calls: "[" + items.String()[1:] + "]"}
		run(t, c.platform, newTaker(), func(o *fetch.Options) {
			o.Interval, o.Rate, o.Concurrent = interval, rate, concurrent
		}, c)
		pass(3 * time.Minute)

		var longest time.Duration
		var late string
		for _, b := range c.batches {
			asked := c.platform.times("results " + b.BatchID)
			for i := 1; i < len(asked); i++ {
				if d := asked[i].Sub(asked[i-1]); d > longest {
					longest, late = d, b.BatchID
				}
			}
			if len(asked) < 9 {
				t.Errorf("batch %s was asked for %d times in 3 minutes at 15 s", b.BatchID, len(asked))
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		busiest := 0
		for i, at := range c.times {
			end, _ := slices.BinarySearchFunc(c.times, at.Add(time.Second), time.Time.Compare)
			busiest = max(busiest, end-i)
		}
		t.Logf("longest between two polls %v (batch %s), at most %d requests in a second and %d at once; "+
			"the list of %s has %d MB", longest.Round(time.Millisecond), late, busiest, c.most, c.huge, len(c.calls)/1e6)
		if longest > 2*interval {
			t.Errorf("%v between two polls of batch %s, want twice %v at most", longest, late, interval)
		}
		if busiest > rate+1 || c.most > concurrent {
			t.Errorf("%d requests in a second and %d at once, want %d and %d at most", busiest, c.most, rate, concurrent)
		}
	})
}
