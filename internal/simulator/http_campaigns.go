package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// campaignFields are what campaigns can be ordered and searched by. Of what is
// no single value, the JSON text is compared.
var campaignFields = map[string]func(*campaign) sortKey{
	"id":                  func(c *campaign) sortKey { return numberKey(c.id) },
	"campaign_name":       func(c *campaign) sortKey { return textKey(c.shown.CampaignName) },
	"campaign_variables":  func(c *campaign) sortKey { return textKey(string(encode(c.shown.CampaignVariables))) },
	"daily_start_time":    func(c *campaign) sortKey { return nullKey(c.shown.DailyStartTime) },
	"daily_end_time":      func(c *campaign) sortKey { return nullKey(c.shown.DailyEndTime) },
	"source":              func(c *campaign) sortKey { return nullKey(c.shown.Source) },
	"mode":                func(c *campaign) sortKey { return nullKey(c.shown.Mode) },
	"caller_id":           func(c *campaign) sortKey { return nullKey(c.shown.CallerID) },
	"updated_at":          func(c *campaign) sortKey { return timeKey(c.updated) },
	"label":               func(c *campaign) sortKey { return nullKey(c.shown.Label) },
	"labels":              func(c *campaign) sortKey { return textKey(strings.Join(c.shown.Labels, ",")) },
	"voicemail_detection": func(c *campaign) sortKey { return textKey(string(encode(c.shown.VoicemailDetection))) },
}

// campaignOf finds the campaign of a path. The caller holds mu.
func (s *Simulator) campaignOf(r *http.Request) (*campaign, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, invalid("path", "campaign_id", "int_parsing", "must be an integer")
	}
	c := s.campaign(id)
	if c == nil {
		return nil, &httpError{http.StatusNotFound, fmt.Sprintf("there is no campaign %d", id)}
	}
	return c, nil
}

func (s *Simulator) listCampaigns(r *http.Request) (any, error) {
	q, err := parseList(r.URL.Query(), campaignFields)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	found := q.apply(s.campaigns, func(c *campaign) (time.Time, bool) { return c.created, c.deleted.IsZero() })
	return paged(found, q.page, q.limit, (*campaign).wire), nil
}

func (s *Simulator) getCampaign(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	c, err := s.campaignOf(r)
	if err != nil {
		return nil, err
	}
	return c.wire(), nil
}

func (s *Simulator) postCampaign(r *http.Request) (any, error) {
	in, err := readCampaign(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	hooks, err := s.webhooks(in.Webhooks, nil)
	if err != nil {
		return nil, err
	}
	c := newCampaign(Campaign{}, s.unknown)
	c.shown, c.retryInterval, c.webhooks = in.campaignSettings, in.interval(), hooks
	return s.keepCampaign(c, now).wire(), nil
}

// putCampaign replaces all settings. Calls that wait for a retry wait as long
// as was said when they failed.
func (s *Simulator) putCampaign(r *http.Request) (any, error) {
	in, err := readCampaign(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	c, err := s.campaignOf(r)
	if err != nil {
		return nil, err
	}
	hooks, err := s.webhooks(in.Webhooks, c.webhooks)
	if err != nil {
		return nil, err
	}
	c.shown, c.retryInterval, c.webhooks, c.updated = in.campaignSettings, in.interval(), hooks, now
	for _, b := range s.order {
		if b.campaign == c {
			s.arm(b, now) // the rate may be another
		}
	}
	return c.wire(), nil
}

// deleteCampaign lets the batches of the campaign go on. Nothing documents
// what becomes of them; a batch whose campaign cannot be looked up is the
// harder case for a consumer. The answer is not documented either.
func (s *Simulator) deleteCampaign(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	c, err := s.campaignOf(r)
	if err != nil {
		return nil, err
	}
	c.deleted, c.updated = now, now
	return c.wire(), nil
}
