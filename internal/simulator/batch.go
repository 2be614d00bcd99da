package simulator

import (
	"fmt"
	"time"
)

const (
	// maxRate is the platform's own limit, in calls per hour.
	maxRate = 3600
	// maxBatchID bounds batch ids, in bytes; ours, the platform names none.
	maxBatchID = 255
	// dispatchDelay passes between the creation of a batch and its first
	// dial, so that a batch can be seen PENDING.
	dispatchDelay = 5 * time.Second
)

// Values of a batch's status.
const (
	batchPending  = "PENDING"
	batchActive   = "ACTIVE"
	batchPaused   = "PAUSED"
	batchExpired  = "EXPIRED"
	batchFailed   = "FAILED"   // its last upload could not be read
	batchCanceled = "CANCELED" // it was deleted
)

// NewBatch is what CreateBatch takes.
type NewBatch struct {
	// ID is the customer's own string, 1 to 255 bytes; dots, slashes and
	// spaces are fine.
	ID string
	// CampaignID is an id that AddCampaign returned.
	CampaignID int64
	// Calls is how many requests to generate; they come before Requests.
	Calls int
	// Requests are explicit.
	Requests []Request
	// Paused batches dial nothing until resumed.
	Paused bool
	// ExpiresOn ends dialling. Zero: never.
	ExpiresOn time.Time
	// CallRate is calls per hour, 1 to 3600. Zero: the campaign's rate.
	CallRate int
	// AutoCallRate paces the batch to be through before ExpiresOn, which it
	// needs; it takes precedence over both rates.
	AutoCallRate bool
}

// Request is one call to make.
type Request struct {
	ReferenceID string // unique within the batch
	Target      string // phone number
	Variables   map[string]string
}

// batch is the state of a batch.
type batch struct {
	id       string
	campaign *campaign
	created  time.Time
	updated  time.Time // last_updated_at
	changed  time.Time // when the results changed last
	quiet    bool      // a change of a call does not move updated
	expires  time.Time // zero: never
	expired  bool
	paused   bool
	rate     int // zero: the campaign's
	auto     bool
	pace     autoPace
	deleted  time.Time // zero: it is not
	reason   string    // of the deletion
	file     string    // that was uploaded last
	failure  string    // of that upload
	answers  uint64    // lists of results so far

	calls []*call // all there ever were, by creation
	byRef map[string]*call
	next  int     // calls before this index are not waiting for a first dial
	due   []*call // retries whose interval has passed, oldest first

	lastDial time.Time
	armedAt  time.Time // when the next dial is scheduled; zero: it is not

	open     int // calls with something still to happen
	counts   map[statusPair]int
	insights map[string]int // by insights_status, nulls left out
	bytes    int            // length of the last encoded results
}

// statusPair is what detailed_status_counts is counted by.
type statusPair struct{ request, channel string }

func newBatch(n NewBatch, c *campaign, at time.Time) *batch {
	return &batch{
		id: n.ID, campaign: c, created: at, updated: at, changed: at, paused: n.Paused, rate: n.CallRate,
		auto:  n.AutoCallRate,
		byRef: map[string]*call{}, counts: map[statusPair]int{}, insights: map[string]int{},
	}
}

func (s *Simulator) validate(n NewBatch, c *campaign) error {
	switch {
	case n.ID == "" || len(n.ID) > maxBatchID:
		return &fieldError{"batch_id", "string_length", fmt.Sprintf("must have 1 to %d bytes", maxBatchID)}
	case s.batches[n.ID] != nil:
		return &fieldError{"batch_id", "value_error", "this id is in use"}
	case c == nil:
		return &fieldError{"campaign_id", "value_error", fmt.Sprintf("there is no campaign %d", n.CampaignID)}
	case n.Calls < 0:
		return &fieldError{"calls", "greater_than_equal", "must not be negative"}
	case n.AutoCallRate && n.ExpiresOn.IsZero():
		return &fieldError{"auto_call_rate", "value_error", "requires expires_on"}
	}
	if n.CallRate != 0 {
		if err := validateRate(n.CallRate); err != nil {
			return err
		}
	}
	seen := make(map[string]bool, len(n.Requests))
	if len(n.Requests) > 0 {
		for i := range n.Calls {
			seen[generatedRef(i)] = true
		}
	}
	for _, r := range n.Requests {
		if err := validateRequest(r, seen[r.ReferenceID]); err != nil {
			return err
		}
		seen[r.ReferenceID] = true
	}
	return nil
}

func validateRate(rate int) *fieldError {
	if rate < 1 || rate > maxRate {
		return &fieldError{"call_rate", "range", fmt.Sprintf("must be 1 to %d calls per hour", maxRate)}
	}
	return nil
}

func validateRequest(r Request, taken bool) *fieldError {
	switch {
	case r.ReferenceID == "":
		return &fieldError{"reference_id", "string_length", "must not be empty"}
	case taken:
		return &fieldError{"reference_id", "value_error", "is in the batch already"}
	case r.Target == "":
		return &fieldError{"target", "string_length", "must not be empty"}
	}
	return nil
}

func (b *batch) status() string {
	switch {
	case !b.deleted.IsZero():
		return batchCanceled
	case b.expired:
		return batchExpired
	case b.failure != "":
		return batchFailed
	case b.paused:
		return batchPaused
	case b.lastDial.IsZero():
		return batchPending
	}
	return batchActive
}

// ended says whether nothing more of the batch is dialled, for good.
func (b *batch) ended() bool { return b.expired || !b.deleted.IsZero() }

// interval is the time between two dials.
func (b *batch) interval() time.Duration {
	if b.auto && b.pace.rate > 0 {
		return time.Duration(float64(time.Hour) / b.pace.rate).Truncate(time.Millisecond)
	}
	rate := b.rate
	if rate == 0 {
		rate = b.campaign.shown.HourlyRate
	}
	return (time.Hour / time.Duration(rate)).Truncate(time.Millisecond)
}

// touch notes that the results changed.
func (b *batch) touch(at time.Time) {
	b.changed = at
	if !b.quiet {
		b.updated = at
	}
}

// count adds n calls with the statuses of c.
func (b *batch) count(c *call, n int) {
	request, channel, insights := c.request.value(), c.channel.value(), c.insight.value()
	add(b.counts, statusPair{request, channel}, n)
	if insights != "" {
		add(b.insights, insights, n)
	}
}

// add drops what it counted down to nothing: a status that no call has is not
// listed.
func add[K comparable](counts map[K]int, key K, n int) {
	counts[key] += n
	if counts[key] == 0 {
		delete(counts, key)
	}
}
