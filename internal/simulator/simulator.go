package simulator

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// maxPassed is where simulated time stops, 250 years after the start: a
// time.Duration holds little more.
const maxPassed = float64(250 * 365 * 24 * time.Hour)

// Options of a simulator; the zero value is usable.
type Options struct {
	// Seed decides everything that is random. Default 0.
	Seed uint64
	// Speed is simulated seconds per real second. Default 1, also for a
	// value that is not positive.
	Speed float64
	// Start is the simulated time at New. Default Now in UTC, truncated to
	// whole seconds.
	Start time.Time
	// Now is the real clock. Default time.Now.
	Now func() time.Time
	// APIKey is the required value of the header Syllable-API-Key. Default
	// empty: any non-empty value is accepted.
	APIKey string
	// Unknown chooses between the ways in which the platform may behave where
	// nobody documents it.
	Unknown Unknown
}

// Simulator is one simulated platform. It is safe for concurrent use.
type Simulator struct {
	seed      uint64
	speed     float64
	start     time.Time // simulated time at realStart
	realStart time.Time
	realNow   func() time.Time
	apiKey    string
	unknown   Unknown
	handler   http.Handler

	mu        sync.Mutex
	reached   time.Time // simulated time up to which events have run
	queue     queue
	campaigns []*campaign // the campaign with id n is at n-1, also when deleted
	batches   map[string]*batch
	order     []*batch // by creation

	lastWebhook int64 // id
}

// New returns a platform without campaigns and batches.
func New(o Options) *Simulator {
	if o.Now == nil {
		o.Now = time.Now
	}
	if !(o.Speed > 0) { // also when NaN
		o.Speed = 1
	}
	realStart := o.Now()
	if o.Start.IsZero() {
		o.Start = realStart.Truncate(time.Second)
	}
	s := &Simulator{
		seed:      o.Seed,
		speed:     o.Speed,
		start:     o.Start.UTC().Truncate(time.Millisecond),
		realStart: realStart,
		realNow:   o.Now,
		apiKey:    o.APIKey,
		unknown:   o.Unknown,
		batches:   map[string]*batch{},
	}
	s.reached = s.start
	s.handler = s.routes()
	return s
}

// Handler returns the API.
func (s *Simulator) Handler() http.Handler { return s.handler }

// Now returns the simulated time, in UTC and whole milliseconds.
func (s *Simulator) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.advance()
}

// advance runs all events that are due and returns the simulated time. The
// caller holds mu. Simulated time never runs backwards, even if the real clock
// does: events that ran cannot be taken back.
func (s *Simulator) advance() time.Time {
	passed := min(float64(s.realNow().Sub(s.realStart))*s.speed, maxPassed)
	now := s.start.Add(time.Duration(passed)).Truncate(time.Millisecond)
	if now.Before(s.reached) {
		return s.reached
	}
	s.queue.runUntil(now)
	s.reached = now
	return now
}

// AddCampaign adds a campaign and returns its id.
func (s *Simulator) AddCampaign(c Campaign) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keepCampaign(newCampaign(c, s.unknown), s.advance()).id
}

// keepCampaign gives a campaign its id.
func (s *Simulator) keepCampaign(c *campaign, at time.Time) *campaign {
	c.id, c.created, c.updated = int64(len(s.campaigns)+1), at, at
	if c.shown.CampaignName == "" {
		c.shown.CampaignName = fmt.Sprintf("Campaign %d", c.id)
	}
	s.campaigns = append(s.campaigns, c)
	return c
}

// CreateBatch adds a batch with its calls; dialling starts a few simulated
// seconds later.
func (s *Simulator) CreateBatch(n NewBatch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.createBatch(n, s.advance()); err != nil {
		return fmt.Errorf("create batch %q: %w", n.ID, err)
	}
	return nil
}

func (s *Simulator) createBatch(n NewBatch, at time.Time) (*batch, error) {
	c := s.campaign(n.CampaignID)
	if err := s.validate(n, c); err != nil {
		return nil, err
	}
	b := newBatch(n, c, at)
	b.quiet = s.unknown.QuietBatch
	s.batches[b.id] = b
	s.order = append(s.order, b)
	for i := range n.Calls {
		s.generate(b, i, at)
	}
	for _, r := range n.Requests {
		s.add(b, r, at)
	}
	s.setExpiry(b, n.ExpiresOn, at) // arms the batch
	return b, nil
}

// campaign returns nil for one that does not exist, or not any more.
func (s *Simulator) campaign(id int64) *campaign {
	if id < 1 || id > int64(len(s.campaigns)) || !s.campaigns[id-1].deleted.IsZero() {
		return nil
	}
	return s.campaigns[id-1]
}

// random returns the generator of one purpose of one call. Each purpose has
// its own, so that drawing more for one does not change another.
func (s *Simulator) random(batch, ref, purpose string) *rand.Rand {
	h := fnv.New64a()
	for _, part := range []string{batch, ref, purpose} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}
