package ingest

import (
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// completion sums the batch up if it is complete and that was not told: every
// call has ended, none is missing, and nothing has changed for a while.
func (t *taking) completion() (*event.Manifest, error) {
	m := t.memory
	if !t.o.Listed() || t.held.Completed || t.silent || m.listed == 0 || m.open > 0 || len(m.absent) > 0 ||
		len(t.chunk) > 0 || t.calls > 0 || !t.settled() {
		return nil, nil //nolint:nilnil // not complete
	}
	sums := &event.Manifest{
		RequestStatus: map[string]int{}, ChannelStatus: map[string]int{}, InsightsStatus: map[string]int{},
	}
	err := t.o.Each(t.ctx, func(r syllable.Result) error {
		sums.Calls++
		request := "PENDING"
		if r.RequestStatus != nil {
			request = *r.RequestStatus
		}
		sums.RequestStatus[request]++
		sums.ChannelStatus[orNull(r.ChannelStatus)]++
		sums.InsightsStatus[orNull(r.InsightsStatus)]++
		if rating := ratingOf(r); rating != "" {
			if sums.Rating == nil {
				sums.Rating = map[string]int{}
			}
			sums.Rating[rating]++
		}
		return nil
	})
	return sums, err
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// ratingOf returns insights.rating, a string or a number, "" without one.
func ratingOf(r syllable.Result) string {
	if r.Insights.Kind() != '{' {
		return ""
	}
	var in struct {
		Rating any `json:"rating"`
	}
	if err := json.Unmarshal(r.Insights, &in); err != nil {
		return ""
	}
	switch v := in.Rating.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return ""
}

// settled says whether nothing has changed for a while.
func (t *taking) settled() bool {
	if t.memory.changed.IsZero() { // this is the first poll of the process
		t.memory.changed = t.o.Answered
		if t.held.Last != nil {
			t.memory.changed = *t.held.Last
		}
	}
	return t.o.Answered.Sub(t.memory.changed) >= t.in.o.Settle
}
