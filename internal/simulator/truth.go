package simulator

import (
	"slices"
	"time"
)

// Moment is a value that a field took, and when in simulated time. A nil
// Value is JSON's null.
type Moment struct {
	At    time.Time
	Value *string
}

// CallTruth is what really happened to one call so far: per tracked field every
// value it has ever had, in order, starting with the value at creation. Two
// Moments in a row never have equal values.
type CallTruth struct {
	ReferenceID          string
	RequestStatus        []Moment
	ChannelManagerStatus []Moment
	InsightsStatus       []Moment
	// Insights holds the content of the insights as JSON text.
	Insights []Moment
	// Removed says that the call was taken out of the batch; its past ends
	// there. The same reference may then occur a second time.
	Removed bool
}

// BatchTruth is a batch as it is now.
type BatchTruth struct {
	ID            string
	CampaignID    int64
	Status        string
	CreatedAt     time.Time
	LastUpdatedAt time.Time
	Calls         int  // without removed ones
	Finished      bool // see Simulator.Finished
}

// Progress counts the calls that are in their batches, without removed ones.
type Progress struct {
	Calls int
	Open  int // calls with something still to happen
	// RequestStatus counts calls by request_status.
	RequestStatus map[string]int
	// InsightsStatus counts calls by insights_status, nulls left out.
	InsightsStatus map[string]int
}

// Truth returns all calls a batch has ever had, in the order of creation, and
// whether the batch exists. The caller must not change the Values.
func (s *Simulator) Truth(batch string) ([]CallTruth, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	b, ok := s.batches[batch]
	if !ok {
		return nil, false
	}
	truth := make([]CallTruth, len(b.calls))
	for i, c := range b.calls {
		truth[i] = CallTruth{
			ReferenceID:          c.ref,
			RequestStatus:        slices.Clone(c.request),
			ChannelManagerStatus: slices.Clone(c.channel),
			InsightsStatus:       slices.Clone(c.insight),
			Insights:             slices.Clone(c.content),
			Removed:              c.removed,
		}
	}
	return truth, true
}

// Batches returns all batches in the order of creation.
func (s *Simulator) Batches() []BatchTruth {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	truth := make([]BatchTruth, len(s.order))
	for i, b := range s.order {
		truth[i] = BatchTruth{
			ID: b.id, CampaignID: b.campaign.id, Status: b.status(),
			CreatedAt: b.created, LastUpdatedAt: b.updated,
			Calls: len(b.byRef), Finished: b.open == 0,
		}
	}
	return truth
}

// Finished says whether nothing more will happen to any call of a batch by
// itself: every one is terminal, no retry is outstanding and no insight
// pending. A batch without calls is finished, an unknown one is not. It costs
// the same for any number of calls.
func (s *Simulator) Finished(batch string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	b, ok := s.batches[batch]
	return ok && b.open == 0
}

// Progress adds up the given batches, or all if none is given; unknown ones
// count nothing. It costs the same for any number of calls.
func (s *Simulator) Progress(batches ...string) Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	p := Progress{RequestStatus: map[string]int{}, InsightsStatus: map[string]int{}}
	for _, b := range s.order {
		if len(batches) > 0 && !slices.Contains(batches, b.id) {
			continue
		}
		p.Calls += len(b.byRef)
		p.Open += b.open
		for pair, n := range b.counts {
			p.RequestStatus[pair.request] += n
		}
		for status, n := range b.insights {
			p.InsightsStatus[status] += n
		}
	}
	return p
}
