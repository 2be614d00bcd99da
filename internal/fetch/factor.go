package fetch

import (
	"math"
	"time"
)

// How much longer than the target interval the next poll waits, see factor.
const (
	quickFactor   = 0.5 // something moves, and to ask for it costs little
	pausedFactor  = 4   // paused, or outside the campaign's hours
	endedFactor   = 20  // the platform says that it has ended
	quietFactor   = 20  // at most, when nothing has changed for long
	settledFactor = 4   // at least, when it is complete
	never         = math.MaxFloat64

	// restAfter is after how many intervals without a change a batch counts as
	// paused or resting, and quietAfter as quiet; settledAfter is the share of
	// the time since the newest change that passes before it is asked for again.
	restAfter    = 20
	quietAfter   = 60
	settledAfter = 10

	// settledLongest is the longest interval of a complete batch, and
	// settledEnd how long after its newest change it is asked for at all, if it
	// has ended. Discovery still notices if the platform says that it changed.
	settledLongest = time.Hour
	settledEnd     = 24 * time.Hour
)

// factor says how many target intervals the next poll of a batch waits.
//
//	a call is missing in the list             1
//	complete                                  4, growing with the time since to an hour;
//	                                          none when it has ended a day ago
//	calls on the line, or insights to come    0.5 where parts pay, else 1
//	paused, or outside the campaign's hours   4, after 20 intervals without a change
//	ended by its status                       20, when it has settled
//	nothing has changed for 60 intervals      growing with the time since to 20
//	else                                      1
func (p *Poller) factor(w *watch, now time.Time) float64 {
	m := w.mind
	intervals := float64(now.Sub(m.changed)) / float64(p.o.Interval)
	if m.changed.IsZero() {
		intervals = 0
	}
	waiting, moving := m.phases()
	quiet := min(max(intervals/quietAfter, 1), quietFactor)
	switch {
	case m.held.Absent > 0:
		return 1
	case m.held.Completed:
		if w.batch.Ended() && now.Sub(m.changed) > settledEnd {
			return never
		}
		longest := max(float64(settledLongest)/float64(p.o.Interval), settledFactor)
		return min(max(intervals/settledAfter, settledFactor), longest)
	case moving > 0 && quiet == 1:
		if m.partPays() {
			return quickFactor
		}
		return 1
	case w.batch.Ended() && now.Sub(m.changed) > p.o.Settle+2*p.o.Interval:
		return endedFactor
	case waiting > 0 && intervals > restAfter && (w.paused() || p.rests(w, now)):
		return max(quiet, pausedFactor)
	}
	return quiet
}

func (w *watch) paused() bool {
	return w.batch.Status == "PAUSED" || w.batch.Paused != nil && *w.batch.Paused
}

func (p *Poller) rests(w *watch, now time.Time) bool {
	c, ok := p.campaigns.cached(w.batch.CampaignID)
	return ok && c.Rests(now)
}
