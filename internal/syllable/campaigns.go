package syllable

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Campaign is what is read of a campaign.
type Campaign struct {
	ID         int64   `json:"id"`
	Name       string  `json:"campaign_name"`
	Mode       *string `json:"mode"` // voice, sms, email
	HourlyRate int     `json:"hourly_rate"`
	// RetryCount is how often a call is dialled again.
	RetryCount int `json:"retry_count"`
	// DailyStart, DailyEnd and ActiveDays are when calls are placed, in a time
	// zone that the platform does not state; see [Campaign.Rests].
	DailyStart *string  `json:"daily_start_time"`
	DailyEnd   *string  `json:"daily_end_time"`
	ActiveDays []string `json:"active_days"`
}

// Campaign asks for one campaign.
func (c *Client) Campaign(ctx context.Context, id int64) (Campaign, error) {
	var v Campaign
	s := strconv.FormatInt(id, 10)
	err := c.getObject(ctx, "campaign "+s, "campaigns/"+s, nil, &v)
	return v, err
}

// zones are the time zones of the world, as the earliest and the latest.
const (
	latestZone   = -12 * time.Hour
	earliestZone = 14 * time.Hour
)

// Rests says whether the campaign places no calls at a time, wherever on earth
// its hours are meant: where that depends on the time zone, which the platform
// does not state, it does not rest.
func (c Campaign) Rests(at time.Time) bool {
	for zone := latestZone; zone <= earliestZone; zone += 30 * time.Minute {
		if c.activeAt(at.UTC().Add(zone)) {
			return false
		}
	}
	return true
}

// activeAt says whether calls are placed at a local time. What cannot be read
// does not limit.
func (c Campaign) activeAt(local time.Time) bool {
	day := strings.ToLower(local.Weekday().String()[:3])
	if len(c.ActiveDays) > 0 && !slices.Contains(c.ActiveDays, day) {
		return false
	}
	start, okStart := timeOfDay(c.DailyStart)
	end, okEnd := timeOfDay(c.DailyEnd)
	if !okStart || !okEnd || end <= start { // over midnight: left alone
		return true
	}
	now := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	return start <= now && now <= end
}

func timeOfDay(text *string) (time.Duration, bool) {
	if text == nil {
		return 0, false
	}
	for _, form := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.Parse(form, *text); err == nil {
			return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
		}
	}
	return 0, false
}
