package syllable

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCampaignRests(t *testing.T) {
	t.Parallel()
	week := []string{"mon", "tue", "wed", "thu", "fri"}
	for name, tt := range map[string]struct {
		start, end string
		days       []string
		rests      map[string]bool // by UTC; 2026-08-22 is a Saturday
	}{
		"no limits": {rests: map[string]bool{"2026-08-22T03:00:00Z": false}},
		"days": {days: week, rests: map[string]bool{
			"2026-08-19T12:00:00Z": false,
			"2026-08-22T11:59:00Z": false, // still Friday in the west
			"2026-08-22T12:00:00Z": true,
			"2026-08-23T09:59:00Z": true,
			"2026-08-23T10:00:00Z": false, // Monday in the east
		}},
		"a single hour": {start: "09:00:00", end: "10:00:00", rests: map[string]bool{
			"2026-08-19T00:00:00Z": false, "2026-08-19T06:00:00Z": false,
			"2026-08-19T12:00:00Z": false, "2026-08-19T23:00:00Z": false,
		}},
		"hours of a day": {start: "09:00", end: "10:00", days: []string{"wed"}, rests: map[string]bool{
			"2026-08-18T18:59:00Z": true,  // Wednesday, 08:59 at +14
			"2026-08-18T19:00:00Z": false, // 09:00 there
			"2026-08-19T09:30:00Z": false,
			"2026-08-19T22:00:00Z": false, // 10:00 at -12
			"2026-08-19T22:01:00Z": true,
		}},
		"a quarter of an hour off": {start: "09:00:00", end: "09:05:00", rests: map[string]bool{
			"2026-08-19T03:15:00Z": false, // 09:00 at +05:45
			"2026-08-19T03:21:00Z": true,
		}},
		"over midnight":   {start: "22:00:00", end: "06:00:00", rests: map[string]bool{"2026-08-19T12:00:00Z": false}},
		"until midnight":  {start: "09:00:00", end: "00:00:00", rests: map[string]bool{"2026-08-19T03:00:00Z": false}},
		"no end":          {start: "09:00:00", end: "", rests: map[string]bool{"2026-08-19T03:21:00Z": false}},
		"unreadable":      {start: "9 am", end: "09:05:00", rests: map[string]bool{"2026-08-19T03:21:00Z": false}},
		"out of the day":  {start: "09:00:00", end: "25:00:00", rests: map[string]bool{"2026-08-19T03:21:00Z": false}},
		"unreadable, day": {start: "9 am", end: "", days: week, rests: map[string]bool{"2026-08-22T18:00:00Z": true}},
	} {
		for at, want := range tt.rests {
			when, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			c := Campaign{DailyStart: tt.start, DailyEnd: tt.end, ActiveDays: tt.days}
			if got := c.Rests(when.In(time.FixedZone("", 3600))); got != want {
				t.Errorf("%s: rests %v at %s, want %v", name, got, at, want)
			}
		}
	}
}

// What only serves the pace makes no campaign unusable, whatever it is.
func TestParseCampaign(t *testing.T) {
	t.Parallel()
	week := []string{"mon", "tue"}
	for fields, want := range map[string]Campaign{
		``: {},
		`"campaign_name":"n","mode":"voice","retry_count":2,"daily_start_time":"09:00","daily_end_time":"17:00:00"`: {
			Name: "n", Mode: "voice", RetryCount: 2, DailyStart: "09:00", DailyEnd: "17:00:00"},
		`"campaign_name":5,"mode":[],"daily_start_time":9,"daily_end_time":{}`: {},
		`"campaign_name":null,"mode":null,"active_days":null`:                  {},
		`"retry_count":null`:                       {RetryCount: RetriesUnknown},
		`"retry_count":"2"`:                        {RetryCount: RetriesUnknown},
		`"retry_count":1.5`:                        {RetryCount: RetriesUnknown},
		`"retry_count":-1`:                         {RetryCount: RetriesUnknown},
		`"retry_count":1e99`:                       {RetryCount: RetriesUnknown},
		`"retry_count":[2]`:                        {RetryCount: RetriesUnknown},
		`"active_days":["mon","tue"]`:              {ActiveDays: week},
		`"active_days":["Mon "," TUE"]`:            {ActiveDays: week},
		`"active_days":["[\"mon\", \"tue\"]"]`:     {ActiveDays: week},
		`"active_days":"[\"mon\", \"tue\"]"`:       {ActiveDays: week},
		`"active_days":"mon"`:                      {ActiveDays: week[:1]},
		`"active_days":[]`:                         {},
		`"active_days":["mon","monday"]`:           {},
		`"active_days":["mon",2]`:                  {},
		`"active_days":["mon","[\"tue\""]`:         {},
		`"active_days":{"mon":true}`:               {},
		`"active_days":"","unknown":{"x":[null]}`:  {},
		`"active_days":[null],"hourly_rate":"all"`: {},
	} {
		body := `{"id":7}`
		if fields != "" {
			body = `{"id":7,` + fields + `}`
		}
		want.ID = 7
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		got, err := c.Campaign(t.Context(), 7)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", fields, err, d)
		}
	}
	for _, body := range []string{`{}`, `{"id":"7"}`, `{"id":null}`, `{"id":8}`, `[]`, `{"id":7`, `{"id":7,"id":7}`} {
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
		if got, err := c.Campaign(t.Context(), 7); !errors.Is(err, ErrBody) {
			t.Errorf("%s: campaign %+v, error %v, want that the body is not valid", body, got, err)
		}
	}
}
