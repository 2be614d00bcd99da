package simulator

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
)

// webhookInput is a webhook as a campaign is given it.
type webhookInput struct {
	TriggerStatuses []string           `json:"trigger_statuses"`
	URL             *string            `json:"url"`
	RequestMethod   *string            `json:"request_method"`
	ID              *int64             `json:"id"`
	AuthValues      map[string]*string `json:"auth_values"`
}

// The one auth value that the platform allows, and its bounds in bytes.
const (
	authKey              = "hmac_secret"
	minSecret, maxSecret = 32, 512
)

// check looks at everything but the id, which only the campaign can judge. An
// error never quotes a secret.
func (in *webhookInput) check(p *problems, i int) {
	if in.TriggerStatuses == nil {
		p.missing("body", "webhooks", i, "trigger_statuses")
	}
	for j, status := range in.TriggerStatuses {
		checkEnum(p, status, channelStatuses, "body", "webhooks", i, "trigger_statuses", j)
	}
	switch {
	case in.URL == nil:
		p.missing("body", "webhooks", i, "url")
	case !isHTTPS(*in.URL):
		p.add("url_scheme", "must be an HTTPS URL", "body", "webhooks", i, "url")
	}
	if in.RequestMethod == nil {
		p.missing("body", "webhooks", i, "request_method")
	} else {
		checkEnum(p, *in.RequestMethod, []string{"POST", "PUT", "PATCH"}, "body", "webhooks", i, "request_method")
	}
	for key, value := range in.AuthValues {
		if key != authKey {
			p.add("value_error", "only "+authKey+" is allowed", "body", "webhooks", i, "auth_values")
			continue
		}
		if value == nil {
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(*value)
		if err != nil || len(secret) < minSecret || len(secret) > maxSecret {
			p.add("value_error", fmt.Sprintf("must be Base64 of %d to %d bytes", minSecret, maxSecret),
				"body", "webhooks", i, "auth_values", authKey)
		}
	}
}

func isHTTPS(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != ""
}

// webhooks makes the new list of a campaign out of what it is given and what
// it has: one with an id must be there already, the others get a new id. A
// null secret keeps the one that is stored.
func (s *Simulator) webhooks(in []webhookInput, old []wireWebhook) ([]wireWebhook, error) {
	var p problems
	var all []wireWebhook
	for i, w := range in {
		var before wireWebhook
		if w.ID != nil {
			at := slices.IndexFunc(old, func(o wireWebhook) bool { return o.ID == *w.ID })
			twice := slices.ContainsFunc(all, func(n wireWebhook) bool { return n.ID == *w.ID })
			if at < 0 || twice {
				p.add("value_error", "the campaign has no such webhook, or it is named twice", "body", "webhooks", i, "id")
				continue
			}
			before = old[at]
		}
		n := wireWebhook{
			TriggerStatuses: w.TriggerStatuses, URL: *w.URL, RequestMethod: *w.RequestMethod, ID: before.ID,
		}
		for _, key := range slices.Sorted(maps.Keys(w.AuthValues)) {
			if w.AuthValues[key] != nil || slices.Contains(before.AuthValueKeys, key) {
				n.AuthValueKeys = append(n.AuthValueKeys, key)
			}
		}
		all = append(all, n)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == 0 {
			s.lastWebhook++
			all[i].ID = s.lastWebhook
		}
	}
	return all, nil
}

// channelStatuses are the values of channel_manager_status that a webhook can
// be triggered by.
var channelStatuses = []string{
	"PENDING", "DUPLICATE", "INVALID", "UNEXPECTED_ERROR", "FILTERED_LINE_TYPE", "NO_OUTCOME",
	"PROCESSED", "DROPPED", "DEFERRED", "BOUNCED", "DELIVERED", "OPENED", "CLICKED", "SPAM_REPORT", "UNSUBSCRIBED",
	"PRIOR_UNSUBSCRIBED", "PRIOR_SPAM_REPORT", "PRIOR_DROPPED", "PRIOR_BOUNCED",
	"SENT", "ACCEPTED", "QUEUED", "SENDING", "UNDELIVERED", "DELIVERY_UNKNOWN", "DELIVERY_FAILED",
	"IN-PROGRESS", "BUSY", "CANCELED", "COMPLETED", "DECLINED", "NO-ANSWER", "MACHINE", "HUMAN", "UNKNOWN", "FAILED",
	"SIP_NOT_FOUND", "SIP_TEMPORARILY_UNAVAILABLE", "SIP_LOOP_DETECTED", "SIP_DOES_NOT_EXIST_ANYWHERE",
}
