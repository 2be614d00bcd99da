package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// campaignFields are what campaigns can be ordered and searched by; the
// platform's list also names fields that have no order, such as labels.
var campaignFields = map[string]func(*campaign) sortKey{
	"id":            func(c *campaign) sortKey { return numberKey(c.id) },
	"campaign_name": func(c *campaign) sortKey { return textKey(c.Name) },
	"mode":          func(*campaign) sortKey { return textKey("voice") },
	"source":        func(c *campaign) sortKey { return textKey(c.CallerID) },
	"caller_id":     func(c *campaign) sortKey { return textKey(c.CallerID) },
	"updated_at":    func(c *campaign) sortKey { return timeKey(c.created) },
}

func (s *Simulator) listCampaigns(r *http.Request) (any, error) {
	q, err := parseList(r.URL.Query(), campaignFields)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	found := q.apply(s.campaigns, func(c *campaign) time.Time { return c.created })
	return paged(found, q.page, q.limit, (*campaign).wire), nil
}

func (s *Simulator) getCampaign(r *http.Request) (any, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, invalid("path", "campaign_id", "int_parsing", "must be an integer")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	c := s.campaign(id)
	if c == nil {
		return nil, &httpError{http.StatusNotFound, fmt.Sprintf("there is no campaign %d", id)}
	}
	return c.wire(), nil
}
