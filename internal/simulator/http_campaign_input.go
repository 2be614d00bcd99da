package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// campaignInput is the body that creates or replaces a campaign.
type campaignInput struct {
	campaignSettings
	webhookList
}

type webhookList struct {
	Webhooks []webhookInput `json:"webhooks"`
}

// Fields of campaignInput by what the platform wants of them.
var (
	campaignRequired = []string{"campaign_name", "campaign_variables", "caller_id", "active_days"}
	campaignNotNull  = []string{
		"campaign_name", "campaign_variables", "active_days", "hourly_rate", "retry_count",
		"include_unknown_line_types", "webhooks",
	}
)

// readCampaign decodes and validates a body, and tells all that is wrong with
// its values at once.
func readCampaign(r *http.Request) (campaignInput, error) {
	in := campaignInput{campaignSettings: campaignSettings{HourlyRate: 1, IncludeUnknownLineTypes: true}}
	var raw json.RawMessage
	if err := decode(r, &raw); err != nil {
		return in, err
	}
	var fields map[string]json.RawMessage
	if err := bodyError(json.Unmarshal(raw, &fields)); err != nil {
		return in, err
	}
	var p problems
	for _, name := range campaignRequired {
		if fields[name] == nil {
			p.missing("body", name)
		}
	}
	for _, name := range campaignNotNull {
		if string(fields[name]) == "null" {
			p.add("type_error", "must not be null", "body", name)
		}
	}
	if err := p.err(); err != nil {
		return in, err
	}
	// In two goes, so that an error names the field as the client wrote it.
	for _, part := range []any{&in.campaignSettings, &in.webhookList} {
		if err := bodyError(json.Unmarshal(raw, part)); err != nil {
			return in, err
		}
	}
	in.check(&p)
	return in, p.err()
}

func (in *campaignInput) check(p *problems) {
	if in.HourlyRate < 1 || in.HourlyRate > maxRate {
		p.add("range", fmt.Sprintf("must be 1 to %d calls per hour", maxRate), "body", "hourly_rate")
	}
	if in.RetryCount < 0 {
		p.add("greater_than_equal", "must not be negative", "body", "retry_count")
	}
	if in.RetryInterval != nil {
		if _, ok := parseInterval(*in.RetryInterval); !ok {
			p.add("value_error", "must be a number and a unit, such as 30m, 12h or 7d", "body", "retry_interval")
		}
	}
	checkTime(p, "daily_start_time", in.DailyStartTime)
	checkTime(p, "daily_end_time", in.DailyEndTime)
	for i, day := range in.ActiveDays {
		checkEnum(p, day, daysOfWeek, "body", "active_days", i)
	}
	for i, kind := range in.AllowedLineTypes {
		checkEnum(p, kind, []string{"mobile", "landline", "voip"}, "body", "allowed_line_types", i)
	}
	in.VoicemailDetection.check(p)
	in.TargetFilters.check(p)
	for i := range in.Webhooks {
		in.Webhooks[i].check(p, i)
	}
}

func (in *campaignInput) interval() time.Duration {
	if in.RetryInterval == nil {
		return defaultRetryInterval
	}
	d, _ := parseInterval(*in.RetryInterval) // check has seen it
	return d
}

func checkEnum(p *problems, value string, among []string, loc ...any) {
	if !slices.Contains(among, value) {
		p.add("enum", "must be one of "+strings.Join(among, ", "), loc...)
	}
}

func checkTime(p *problems, field string, value *string) {
	if value == nil {
		return
	}
	if _, err := time.Parse(time.TimeOnly, *value); err != nil {
		p.add("time_parsing", "must be a time of day, such as 09:00:00", "body", field)
	}
}

func (v *voicemail) check(p *problems) {
	if v == nil {
		return
	}
	for key, value := range *v {
		switch {
		case string(value) == "null":
		case key == "mode" && string(value) != `"v1"` && string(value) != `"v2"`:
			p.add("enum", "must be v1 or v2", "body", "voicemail_detection", key)
		case strings.HasPrefix(key, "voicemail_detection_") && json.Unmarshal(value, new(float64)) != nil:
			p.add("type_error", "must be a number", "body", "voicemail_detection", key)
		}
	}
}

// check also fills in the defaults.
func (f *targetFilters) check(p *problems) {
	if f == nil {
		return
	}
	if f.Match == "" {
		f.Match = "all"
	}
	if f.OnUnknown == "" {
		f.OnUnknown = "include"
	}
	if f.Rules == nil {
		f.Rules = []filterRule{}
	}
	checkEnum(p, f.Match, []string{"all", "any"}, "body", "target_filters", "match")
	checkEnum(p, f.OnUnknown, []string{"include", "exclude"}, "body", "target_filters", "on_unknown")
	for i := range f.Rules {
		rule := &f.Rules[i]
		if rule.Values == nil {
			rule.Values = []string{}
		}
		if rule.Field == nil {
			p.missing("body", "target_filters", "rules", i, "field")
		}
		if rule.Op == nil {
			p.missing("body", "target_filters", "rules", i, "op")
			continue
		}
		checkEnum(p, *rule.Op, []string{"in", "not_in", "eq", "neq", "exists", "not_exists"},
			"body", "target_filters", "rules", i, "op")
	}
}
