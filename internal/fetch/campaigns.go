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
		k = &campaign{}
		c.known[*id] = k
	}
	due := !time.Now().Before(k.due)
	if due {
		k.due = time.Now().Add(campaignRetry) // nobody else asks meanwhile
	}
	c.mu.Unlock()
	if due {
		found, err := ask(ctx, *id)
		c.mu.Lock()
		if err == nil || syllable.IsNotFound(err) {
			k.Campaign, k.found, k.due = found, true, time.Now().Add(campaignAge)
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
