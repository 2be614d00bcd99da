package simulator

import (
	"fmt"
	"net/http"
	"time"
)

// batchFields are what batches can be ordered and searched by.
var batchFields = map[string]func(*batch) sortKey{
	"batch_id":        func(b *batch) sortKey { return textKey(b.id) },
	"campaign_id":     func(b *batch) sortKey { return numberKey(b.campaign.id) },
	"status":          func(b *batch) sortKey { return textKey(b.status()) },
	"expires_on":      func(b *batch) sortKey { return timeKey(b.expires) },
	"last_updated_at": func(b *batch) sortKey { return timeKey(b.updated) },
}

// batch finds the batch of a path. The caller holds mu.
func (s *Simulator) batch(r *http.Request) (*batch, error) {
	id := r.PathValue("id")
	b, ok := s.batches[id]
	if !ok {
		return nil, &httpError{http.StatusNotFound, fmt.Sprintf("there is no batch %q", id)}
	}
	return b, nil
}

func (s *Simulator) listBatches(r *http.Request) (any, error) {
	q, err := parseList(r.URL.Query(), batchFields)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	found := q.apply(s.order, func(b *batch) time.Time { return b.created })
	return paged(found, q.page, q.limit, (*batch).wire), nil
}

func (s *Simulator) getBatch(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	b, err := s.batch(r)
	if err != nil {
		return nil, err
	}
	return b.wireDetails(), nil
}

// batchInput is the body that creates or changes a batch. What is null is
// taken as not given: nothing documents that null would clear a field.
type batchInput struct {
	BatchID      *string `json:"batch_id"`
	CampaignID   *int64  `json:"campaign_id"`
	ExpiresOn    *string `json:"expires_on"`
	Paused       *bool   `json:"paused"`
	CallRate     *int    `json:"call_rate"`
	AutoCallRate *bool   `json:"auto_call_rate"`
}

// check validates what both endpoints take and returns expires_on.
func (in batchInput) check() (expires time.Time, err error) {
	if in.CallRate != nil {
		if err := validateRate(*in.CallRate); err != nil {
			return expires, invalidBody(err)
		}
	}
	if in.AutoCallRate != nil && *in.AutoCallRate {
		return expires, invalid("body", "auto_call_rate", "value_error", "the simulator does not pace batches")
	}
	if in.ExpiresOn != nil {
		if expires, err = parseTime(*in.ExpiresOn); err != nil {
			return expires, invalid("body", "expires_on", "datetime_parsing", err.Error())
		}
	}
	return expires, nil
}

func (s *Simulator) postBatch(r *http.Request) (any, error) {
	var in batchInput
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.BatchID == nil {
		return nil, invalid("body", "batch_id", "missing", "is required")
	}
	if in.CampaignID == nil {
		return nil, invalid("body", "campaign_id", "missing", "is required")
	}
	expires, err := in.check()
	if err != nil {
		return nil, err
	}
	n := NewBatch{ID: *in.BatchID, CampaignID: *in.CampaignID, ExpiresOn: expires}
	if in.Paused != nil {
		n.Paused = *in.Paused
	}
	if in.CallRate != nil {
		n.CallRate = *in.CallRate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.createBatch(n, s.advance())
	if err != nil {
		return nil, invalidBody(err)
	}
	return b.wire(), nil
}

func (s *Simulator) putBatch(r *http.Request) (any, error) {
	var in batchInput
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	b, err := s.batch(r)
	if err != nil {
		return nil, err
	}
	expires, err := in.check()
	if err != nil {
		return nil, err
	}
	if in.CallRate != nil {
		b.rate = *in.CallRate
		s.arm(b, now)
	}
	if in.ExpiresOn != nil {
		s.setExpiry(b, expires, now)
	}
	if in.Paused != nil {
		s.setPaused(b, *in.Paused, now)
	}
	b.updated = now
	return b.wire(), nil
}
