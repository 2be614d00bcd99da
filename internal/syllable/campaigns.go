package syllable

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Campaign is what is read of a campaign. It serves to ask at the right times,
// and to know what more may come of a call: a field that is absent, null, or of
// another type than the one documented is as if the platform did not say.
type Campaign struct {
	ID   int64
	Name string
	Mode string // voice, sms, email
	// RetryCount is how often a call is dialled again, and RetriesUnknown where
	// it cannot be read.
	RetryCount int
	// DailyStart, DailyEnd and ActiveDays are when calls are placed, in a time
	// zone that the platform does not state; see [Campaign.Rests].
	DailyStart, DailyEnd string
	ActiveDays           []string // mon, tue, …; none: every day
}

// Campaign asks for one campaign.
func (c *Client) Campaign(ctx context.Context, id int64) (v Campaign, err error) {
	s := strconv.FormatInt(id, 10)
	r := request{op: "campaign " + s, path: "campaigns/" + s, limit: maxPage}
	err = c.get(ctx, r, func(r io.Reader) error {
		if v, err = readCampaign(r); err == nil && v.ID != id {
			err = fmt.Errorf("%w: it is of campaign %d", ErrBody, v.ID)
		}
		return err
	})
	return v, err
}

func readCampaign(r io.Reader) (Campaign, error) {
	var wire struct {
		ID         int64          `json:"id"`
		Name       *string        `json:"campaign_name"`
		Mode       *string        `json:"mode"`
		RetryCount jsontext.Value `json:"retry_count"`
		DailyStart *string        `json:"daily_start_time"`
		DailyEnd   *string        `json:"daily_end_time"`
		ActiveDays jsontext.Value `json:"active_days"`
	}
	if err := readObject(r, &wire); err != nil {
		return Campaign{}, err
	}
	return Campaign{
		ID: wire.ID, Name: text(wire.Name), Mode: text(wire.Mode), RetryCount: retries(wire.RetryCount),
		DailyStart: text(wire.DailyStart), DailyEnd: text(wire.DailyEnd), ActiveDays: days(wire.ActiveDays),
	}, nil
}

// retries reads a retry_count, which is 0 where it is absent.
func retries(raw jsontext.Value) int {
	if raw == nil {
		return 0
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 {
		return RetriesUnknown
	}
	return n
}

// The time zones of the world lie between these, at multiples of the step.
const (
	latestZone   = -12 * time.Hour
	earliestZone = 14 * time.Hour
	zoneStep     = 15 * time.Minute
)

// Rests says whether the campaign places no calls at a time, wherever on earth
// its hours are meant: where that depends on the time zone, which the platform
// does not state, it does not rest.
func (c Campaign) Rests(at time.Time) bool {
	for zone := latestZone; zone <= earliestZone; zone += zoneStep {
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

func timeOfDay(text string) (time.Duration, bool) {
	for _, form := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.Parse(form, text); err == nil {
			return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
		}
	}
	return 0, false
}
