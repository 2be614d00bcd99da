package simulator

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	if !ok || !s.isThere(b) {
		return nil, &httpError{http.StatusNotFound, fmt.Sprintf("there is no batch %q", id)}
	}
	return b, nil
}

// isThere says whether a batch can be seen at all.
func (s *Simulator) isThere(b *batch) bool {
	return b.deleted.IsZero() || s.unknown.Deleted != DeletedGone
}

// isEmptied says whether the results of a batch went with its deletion.
func (s *Simulator) isEmptied(b *batch) bool {
	return !b.deleted.IsZero() && s.unknown.Deleted == DeletedEmptied
}

// change finds the batch of a path for a change of it or of its requests; a
// deleted one takes none. The caller holds mu.
func (s *Simulator) change(r *http.Request) (*batch, error) {
	b, err := s.batch(r)
	if err == nil && !b.deleted.IsZero() {
		return nil, invalid("path", "batch_id", "value_error", "the batch was deleted")
	}
	return b, err
}

func (s *Simulator) listBatches(r *http.Request) (any, error) {
	q, err := parseList(r.URL.Query(), batchFields)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	found := q.apply(s.order, func(b *batch) (time.Time, bool) { return b.created, s.isThere(b) })
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
	return b.wireDetails(s.isEmptied(b)), nil
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

// check validates what both endpoints take and returns expires_on. The batch
// has an end already, or not.
func (in batchInput) check(p *problems, hasEnd bool) (expires time.Time) {
	if in.CallRate != nil {
		if err := validateRate(*in.CallRate); err != nil {
			p.add(err.kind, err.msg, "body", err.field)
		}
	}
	if in.ExpiresOn != nil {
		var err error
		if expires, err = parseTime(*in.ExpiresOn); err != nil {
			p.add("datetime_parsing", err.Error(), "body", "expires_on")
		}
	} else if in.AutoCallRate != nil && *in.AutoCallRate && !hasEnd {
		p.add("value_error", "requires expires_on", "body", "auto_call_rate")
	}
	return expires
}

func (s *Simulator) postBatch(r *http.Request) (any, error) {
	var in batchInput
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	var p problems
	if in.BatchID == nil {
		p.missing("body", "batch_id")
	}
	if in.CampaignID == nil {
		p.missing("body", "campaign_id")
	}
	expires := in.check(&p, false)
	if err := p.err(); err != nil {
		return nil, err
	}
	n := NewBatch{ID: *in.BatchID, CampaignID: *in.CampaignID, ExpiresOn: expires}
	if in.Paused != nil {
		n.Paused = *in.Paused
	}
	if in.CallRate != nil {
		n.CallRate = *in.CallRate
	}
	if in.AutoCallRate != nil {
		n.AutoCallRate = *in.AutoCallRate
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
	b, err := s.change(r)
	if err != nil {
		return nil, err
	}
	var p problems
	expires := in.check(&p, !b.expires.IsZero())
	if err := p.err(); err != nil {
		return nil, err
	}
	if in.CallRate != nil {
		b.rate = *in.CallRate
	}
	if in.AutoCallRate != nil && b.auto != *in.AutoCallRate {
		b.auto, b.pace = *in.AutoCallRate, autoPace{}
	}
	if in.ExpiresOn != nil {
		s.setExpiry(b, expires, now)
	}
	if in.Paused != nil {
		b.paused = *in.Paused // calls on the line go on
	}
	b.updated = now
	s.arm(b, now)
	return b.wire(), nil
}

// deleteBatch answers with the batch as it was deleted; what the platform
// answers is not documented.
func (s *Simulator) deleteBatch(r *http.Request) (any, error) {
	form, err := readForm(r)
	if err != nil {
		return nil, err
	}
	if !form.Has("delete_reason") {
		var p problems
		p.missing("body", "delete_reason")
		return nil, p.err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	b, err := s.change(r)
	if err != nil {
		return nil, err
	}
	b.delete(form.Get("delete_reason"), now)
	return b.wire(), nil
}

// readForm reads a form from the body; net/http does not for a DELETE. A body
// of another type holds no form.
func readForm(r *http.Request) (url.Values, error) {
	if contentType(r) != "application/x-www-form-urlencoded" {
		return url.Values{}, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalid("body", "", "form_invalid", "is no form")
	}
	return form, nil
}
