package simulator

import "time"

// paceBand is how far the automatic rate may move from its first value.
const paceBand = 0.2

// autoPace is the rate of a batch that is to be through before it expires.
type autoPace struct {
	baseline float64 // calls per hour as first computed; zero: not yet
	rate     float64 // as it is now
}

// repace computes the rate anew, with each dial: the calls left over the hours
// left, near the first rate. It counts all hours, for the simulator keeps no
// calling hours.
func (b *batch) repace(at time.Time) {
	if !b.auto || b.expires.IsZero() || !b.expires.After(at) {
		return
	}
	left := len(b.calls) - b.next + len(b.due)
	rate := within(float64(left)/b.expires.Sub(at).Hours(), 1, maxRate)
	if b.pace.baseline == 0 {
		b.pace.baseline = rate
	}
	b.pace.rate = within(rate, max(1, b.pace.baseline*(1-paceBand)), min(maxRate, b.pace.baseline*(1+paceBand)))
}

func within(v, low, high float64) float64 { return min(max(v, low), high) }
