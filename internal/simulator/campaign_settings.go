package simulator

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// campaignSettings are what a campaign is given, shown as they came.
type campaignSettings struct {
	CampaignName            string            `json:"campaign_name"`
	Description             *string           `json:"description"`
	Mode                    *string           `json:"mode"`
	SMSSessionTTL           *int              `json:"sms_session_ttl"`
	Label                   *string           `json:"label"`
	Labels                  []string          `json:"labels"`
	CampaignVariables       map[string]string `json:"campaign_variables"`
	DailyStartTime          *string           `json:"daily_start_time"`
	DailyEndTime            *string           `json:"daily_end_time"`
	Source                  *string           `json:"source"`
	CallerID                *string           `json:"caller_id"`
	HourlyRate              int               `json:"hourly_rate"`
	MaxDailyCalls           *int              `json:"max_daily_calls"`
	RetryCount              int               `json:"retry_count"`
	RetryInterval           *string           `json:"retry_interval"`
	ActiveDays              []string          `json:"active_days"`
	VoicemailDetection      *voicemail        `json:"voicemail_detection"`
	AllowedLineTypes        []string          `json:"allowed_line_types"`
	IncludeUnknownLineTypes bool              `json:"include_unknown_line_types"`
	TargetFilters           *targetFilters    `json:"target_filters"`
}

// voicemail is any object: the platform keeps keys that it does not know.
type voicemail map[string]json.RawMessage

type targetFilters struct {
	Match     string       `json:"match"`
	OnUnknown string       `json:"on_unknown"`
	Rules     []filterRule `json:"rules"`
}

type filterRule struct {
	Field  *string  `json:"field"`
	Op     *string  `json:"op"`
	Values []string `json:"values"`
}

// wireCampaign is a campaign as the API shows it.
type wireCampaign struct {
	campaignSettings
	ID            int64         `json:"id"`
	AgentID       *int64        `json:"agent_id"`
	CreatedAt     string        `json:"created_at"`
	UpdatedAt     string        `json:"updated_at"`
	LastUpdatedBy string        `json:"last_updated_by"`
	Webhooks      []wireWebhook `json:"webhooks"`
}

// wireWebhook is a webhook as the API shows it, without its secret. The
// simulator keeps no secret and calls no webhook.
type wireWebhook struct {
	TriggerStatuses []string `json:"trigger_statuses"`
	URL             string   `json:"url"`
	RequestMethod   string   `json:"request_method"`
	ID              int64    `json:"id"`
	AuthValueKeys   []string `json:"auth_value_keys"`
}

func (c *campaign) wire() wireCampaign {
	w := wireCampaign{
		campaignSettings: c.shown, ID: c.id,
		CreatedAt: stamp(c.created), UpdatedAt: stamp(c.updated), LastUpdatedBy: lastUpdatedBy,
		Webhooks: c.webhooks,
	}
	if w.Webhooks == nil {
		w.Webhooks = []wireWebhook{}
	}
	return w
}

// daysOfWeek are the values of active_days.
var daysOfWeek = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// interval writes a duration in the largest unit that holds it whole.
func interval(d time.Duration) string {
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d%u.size == 0 {
			return fmt.Sprintf("%d%s", d/u.size, u.name)
		}
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

var intervalForm = regexp.MustCompile(`^([1-9]\d{0,5})([smhd])$`)

// parseInterval reads what interval writes. The platform's form is known from
// examples only: "30m", "12h", "7d".
func parseInterval(text string) (time.Duration, bool) {
	m := intervalForm.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
	return time.Duration(n) * unit, err == nil && n <= int(maxInterval/unit)
}

// maxInterval bounds retry intervals so that a time plus one stays a time.
const maxInterval = 10 * 365 * 24 * time.Hour
