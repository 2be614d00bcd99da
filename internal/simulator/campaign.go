package simulator

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// defaultRetryInterval is ours; the platform names none.
const defaultRetryInterval = 30 * time.Minute

// Campaign is what AddCampaign takes; every field has a default.
type Campaign struct {
	// Name defaults to "Campaign <id>".
	Name        string
	Description string
	// HourlyRate is calls per hour for batches without a rate of their own,
	// 1 to 3600. Default 60; a larger value is lowered to 3600.
	HourlyRate int
	// RetryCount is how often a call that met BUSY or NO-ANSWER is dialled
	// again. Default 0.
	RetryCount int
	// RetryInterval is the wait before that. Default 30 minutes.
	RetryInterval time.Duration
	// QuietRetry keeps request_status at INITIATED between attempts. By
	// default it goes FAILED and back to INITIATED; nobody documents which
	// of the two the platform does.
	QuietRetry bool
	// NoInsights leaves insights_status null for ever, as where no insight
	// workflow is set up. Default false.
	NoInsights bool
	// CallerID defaults to a fictional number.
	CallerID string
	// Variables are the campaign_variables. Default empty.
	Variables map[string]string
	// Labels default to none.
	Labels []string
	// Mix is how often calls end in which way. Default DefaultMix.
	Mix *Mix
}

// Mix is how often calls end in which way.
type Mix struct {
	// Weights of how one attempt ends, relative to each other. If they sum
	// to nothing, every call is answered.
	Answered, Machine, NoAnswer, Busy, Declined, Failed, NotFound float64
	// Shares, 0 to 1, of generated requests that are refused on creation.
	// Requests given explicitly are INVALID only if the target is no phone
	// number.
	Invalid, Duplicate float64
	// Canceled is the share, 0 to 1, of calls canceled before being dialled.
	Canceled float64
	// InsightFailed is the share, 0 to 1, of insights that end FAILED.
	InsightFailed float64
	// InsightRevised is the share, 0 to 1, of completed insights whose
	// content changes once more some minutes later, under the same status.
	// Default 0: nobody documents that the platform does it.
	InsightRevised float64
}

// DefaultMix returns what a campaign without a Mix uses.
func DefaultMix() Mix {
	return Mix{
		Answered: 58, Machine: 14, NoAnswer: 13, Busy: 6, Declined: 3, Failed: 3, NotFound: 3,
		Invalid: 0.015, Duplicate: 0.01, Canceled: 0.01,
		InsightFailed: 0.04,
	}
}

// campaign is the state of a campaign.
type campaign struct {
	id    int64
	shown campaignSettings
	// What follows is not shown, or not in this form.
	retryInterval time.Duration
	quietRetry    bool
	noInsights    bool
	mix           Mix
	webhooks      []wireWebhook

	created, updated time.Time
	deleted          time.Time // zero: it is not
}

// newCampaign fills in the defaults; the campaign has neither id nor times yet.
func newCampaign(c Campaign, u Unknown) *campaign {
	if c.HourlyRate < 1 {
		c.HourlyRate = 60
	}
	if c.RetryInterval <= 0 {
		c.RetryInterval = defaultRetryInterval
	}
	if c.CallerID == "" {
		c.CallerID = "+12065550100"
	}
	if c.Variables == nil {
		c.Variables = map[string]string{}
	}
	mix := DefaultMix()
	if c.Mix != nil {
		mix = *c.Mix
	}
	n := &campaign{
		shown: campaignSettings{
			CampaignName: c.Name, Description: &c.Description, Mode: new("voice"),
			Labels: slices.Clone(c.Labels), CampaignVariables: maps.Clone(c.Variables),
			// All day and all week: the simulator keeps no calling hours.
			DailyStartTime: new("00:00:00"), DailyEndTime: new("23:59:59"), ActiveDays: slices.Clone(daysOfWeek),
			Source: &c.CallerID, CallerID: &c.CallerID,
			HourlyRate: min(c.HourlyRate, maxRate), RetryCount: max(c.RetryCount, 0),
			RetryInterval: new(interval(c.RetryInterval)), IncludeUnknownLineTypes: true,
		},
		retryInterval: c.RetryInterval,
		quietRetry:    c.QuietRetry,
		noInsights:    c.NoInsights,
		mix:           mix,
	}
	n.behave(u)
	return n
}

// behave applies what the whole platform was told to do.
func (c *campaign) behave(u Unknown) {
	c.quietRetry = c.quietRetry || u.QuietRetry
	c.mix.InsightRevised = max(c.mix.InsightRevised, u.InsightRevised)
}

// span is a range of durations.
type span struct{ min, max time.Duration }

// draw returns whole milliseconds, which every RFC 3339 reader can hold.
func (s span) draw(r *rand.Rand) time.Duration {
	return s.min + time.Duration(r.Int64N(int64((s.max-s.min)/time.Millisecond)+1))*time.Millisecond
}

// outcome is one way in which an attempt ends.
type outcome struct {
	channel  string // channel_manager_status at the end
	weight   func(Mix) float64
	answered bool // by a human or a machine
	retry    bool // worth dialling again
	ring     span // from dialling to the answer or the failure
	talk     span // from the answer to the end
}

var outcomes = []*outcome{
	{
		channel: chCompleted, weight: func(m Mix) float64 { return m.Answered }, answered: true,
		ring: span{4 * time.Second, 20 * time.Second}, talk: span{40 * time.Second, 240 * time.Second},
	},
	{
		channel: chMachine, weight: func(m Mix) float64 { return m.Machine }, answered: true,
		ring: span{15 * time.Second, 30 * time.Second}, talk: span{15 * time.Second, 40 * time.Second},
	},
	{
		channel: chNoAnswer, weight: func(m Mix) float64 { return m.NoAnswer }, retry: true,
		ring: span{25 * time.Second, 45 * time.Second},
	},
	{
		channel: chBusy, weight: func(m Mix) float64 { return m.Busy }, retry: true,
		ring: span{3 * time.Second, 10 * time.Second},
	},
	{
		channel: chDeclined, weight: func(m Mix) float64 { return m.Declined },
		ring: span{5 * time.Second, 15 * time.Second},
	},
	{
		channel: chFailed, weight: func(m Mix) float64 { return m.Failed },
		ring: span{2 * time.Second, 6 * time.Second},
	},
	{
		channel: chNotFound, weight: func(m Mix) float64 { return m.NotFound },
		ring: span{1 * time.Second, 4 * time.Second},
	},
}

// draw picks the outcome of one attempt. A number that rang before exists, so
// only a first attempt can find none.
func (m Mix) draw(r *rand.Rand, attempt int) *outcome {
	if attempt > 1 {
		m.NotFound = 0
	}
	i := pick(r, len(outcomes), func(i int) float64 { return outcomes[i].weight(m) })
	return outcomes[i]
}

// pick returns one of 0..n-1 by weight, 0 if no weight is positive.
func pick(r *rand.Rand, n int, weight func(int) float64) int {
	var sum float64
	for i := range n {
		sum += max(weight(i), 0)
	}
	x := r.Float64() * sum
	for i := range n {
		w := max(weight(i), 0)
		if x < w {
			return i
		}
		x -= w
	}
	return 0
}
