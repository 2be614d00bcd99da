package fetch

import (
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// TestFactor has a row for each line of the doc of factor.
func TestFactor(t *testing.T) {
	t.Parallel()
	const interval = 10 * time.Second
	now := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	calls := func(status string) Held { return Held{Calls: map[string]map[string]int{status: {"": 3}}} }
	completed := Held{Completed: true}
	yes := true
	ofCampaign := syllable.Batch{CampaignID: new(int64(1))}
	for name, tt := range map[string]struct {
		held  Held
		batch syllable.Batch
		idle  time.Duration // since the newest change
		big   bool
		want  float64
	}{
		"a call is missing":               {Held{Absent: 1, Completed: true}, syllable.Batch{}, 24 * time.Hour, false, 1},
		"calls wait":                      {calls("PENDING"), syllable.Batch{Status: "ACTIVE"}, 9 * time.Minute, false, 1},
		"on the line":                     {calls("CONNECTED"), syllable.Batch{}, time.Minute, false, 1},
		"on the line, in parts":           {calls("CONNECTED"), syllable.Batch{}, time.Minute, true, 0.5},
		"on the line for long":            {calls("CONNECTED"), syllable.Batch{}, 20 * time.Minute, true, 2},
		"a status of tomorrow":            {calls("RINGING"), syllable.Batch{}, time.Minute, true, 0.5},
		"all over, not complete":          {calls("COMPLETED"), syllable.Batch{}, time.Minute, false, 1},
		"quiet":                           {calls("PENDING"), syllable.Batch{}, 30 * time.Minute, false, 3},
		"quiet for very long":             {calls("PENDING"), syllable.Batch{}, 30 * 24 * time.Hour, false, 20},
		"paused a moment ago":             {calls("PENDING"), syllable.Batch{Paused: &yes}, time.Minute, false, 1},
		"paused":                          {calls("PENDING"), syllable.Batch{Paused: &yes}, 5 * time.Minute, false, 4},
		"paused by its status":            {calls("PENDING"), syllable.Batch{Status: "PAUSED"}, 5 * time.Minute, false, 4},
		"paused, with a call on the line": {calls("CONNECTED"), syllable.Batch{Status: "PAUSED"}, 5 * time.Minute, false, 1},
		"outside the hours":               {calls("PENDING"), ofCampaign, 5 * time.Minute, false, 4},
		"ended just now":                  {calls("PENDING"), syllable.Batch{Status: "EXPIRED"}, time.Minute, false, 1},
		"ended":                           {calls("PENDING"), syllable.Batch{Status: "EXPIRED"}, 5 * time.Minute, false, 20},
		"ended, with a call on the line":  {calls("CONNECTED"), syllable.Batch{Status: "EXPIRED"}, 5 * time.Minute, false, 1},
		"complete":                        {completed, syllable.Batch{}, time.Minute, false, 4},
		"complete for an hour":            {completed, syllable.Batch{}, time.Hour, false, 36},
		"complete for days":               {completed, syllable.Batch{}, 72 * time.Hour, false, 360},
		"complete and ended for a day":    {completed, syllable.Batch{Status: "EXPIRED"}, 25 * time.Hour, false, never},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := New(nil, nil, Options{Interval: interval, Discovery: time.Minute, Settle: 4 * interval})
			p.campaigns.known[1] = &campaign{found: true, Campaign: syllable.Campaign{ActiveDays: []string{"mon"}}}
			w := &watch{batch: tt.batch, mind: &mind{held: tt.held, changed: now.Add(-tt.idle), flow: newFlow()}}
			if tt.big {
				w.mind.size, w.mind.count = 1<<20, 1000
			}
			if got := p.factor(w, now); got != tt.want {
				t.Errorf("factor %v, want %v", got, tt.want)
			}
		})
	}
}
