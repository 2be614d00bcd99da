package fetch

import (
	"slices"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// pair is what calls are counted by: a request_status alone, or with a
// channel_manager_status that is not null.
type pair struct{ request, channel string }

// counts is how many calls there are of each pair.
type counts map[pair]int

// countsOf returns the platform's counts.
func countsOf(b syllable.Batch) counts {
	c := counts{}
	for status, n := range b.Breakdown {
		c[pair{request: status}] = n.Total
		for channel, n := range n.Channel {
			if channel != "" {
				c[pair{status, channel}] = n
			}
		}
	}
	return c
}

// heldCounts returns ours.
func heldCounts(h Held) counts {
	c := counts{}
	for status, channels := range h.Calls {
		c[pair{request: status}] = sum(channels)
		for channel, n := range channels {
			if channel != "" {
				c[pair{status, channel}] = n
			}
		}
	}
	return c
}

// excess returns how many calls more one counts than the other, beyond what is
// known to be the difference between them.
func excess(told, held, drift counts) counts {
	more := counts{}
	for p, n := range told {
		if d := n - held[p] - drift[p]; d > 0 {
			more[p] = d
		}
	}
	return more
}

// of returns what is counted of one request_status.
func (c counts) of(status string) counts {
	some := counts{}
	for p, n := range c {
		if p.request == status {
			some[p] = n
		}
	}
	return some
}

// totals leaves out what is counted by channel_manager_status.
func (c counts) totals() counts {
	t := counts{}
	for p, n := range c {
		if p.channel == "" {
			t[p] = n
		}
	}
	return t
}

// total is the number of all calls.
func (c counts) total() int {
	n := 0
	for p, k := range c {
		if p.channel == "" {
			n += k
		}
	}
	return n
}

// statuses returns the values of request_status that are counted and wanted,
// sorted.
func (c counts) statuses(wanted func(string) bool) []string {
	var all []string
	for p := range c {
		if (wanted == nil || wanted(p.request)) && !slices.Contains(all, p.request) {
			all = append(all, p.request)
		}
	}
	slices.Sort(all)
	return all
}

func sum(m map[string]int) int {
	n := 0
	for _, k := range m {
		n += k
	}
	return n
}
