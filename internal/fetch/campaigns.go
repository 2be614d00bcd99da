package fetch

import (
	"context"
	"sync"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

const (
	// campaignAge is for how long a campaign is taken to be as it was, and
	// campaignRetry for how long it is not asked for after a failure.
	campaignAge   = time.Hour
	campaignRetry = time.Minute
)

// campaigns keeps what was looked up of campaigns.
type campaigns struct {
	mu    sync.Mutex
	known map[int64]*campaign
}

type campaign struct {
	asking chan struct{} // full while it is asked for, so that others wait for the answer
	syllable.Campaign
	found bool      // it was looked up; there may be none
	due   time.Time // when to ask again
}

// get returns a campaign, and false if it is not known. That it cannot be
// looked up is no reason not to poll.
func (c *campaigns) get(ctx context.Context, id *int64, ask func(context.Context, int64) (syllable.Campaign, error)) (
	syllable.Campaign, bool,
) {
	if id == nil {
		return syllable.Campaign{}, true
	}
	c.mu.Lock()
	k := c.known[*id]
	if k == nil {
		k = &campaign{asking: make(chan struct{}, 1)}
		c.known[*id] = k
	}
	c.mu.Unlock()
	select {
	case k.asking <- struct{}{}:
		defer func() { <-k.asking }()
	case <-ctx.Done():
		return syllable.Campaign{}, false
	}
	c.mu.Lock()
	due := !time.Now().Before(k.due)
	c.mu.Unlock()
	if due {
		found, err := ask(ctx, *id)
		c.mu.Lock()
		k.due = time.Now().Add(campaignRetry)
		switch {
		case err == nil:
			k.Campaign, k.found, k.due = found, true, time.Now().Add(campaignAge)
		case syllable.IsNotFound(err):
			k.due = time.Now().Add(campaignAge)
		}
		c.mu.Unlock()
	}
	return c.cached(id)
}

// cached returns what is known of a campaign without asking.
func (c *campaigns) cached(id *int64) (syllable.Campaign, bool) {
	if id == nil {
		return syllable.Campaign{}, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[*id]
	if k == nil {
		return syllable.Campaign{}, false
	}
	return k.Campaign, k.found
}
