package audit

import (
	"fmt"
	"strings"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// sums are what the stream tells of the calls that a manifest sums up.
type sums struct {
	calls  int // that are listed for all that is known
	unsure int // of which that is not known, since their newest event cannot be read
	counts [fields]map[value]int
	rating map[value]int
	rated  int // calls of which it is known whether they have a rating, and which
}

func (a *Auditor) sum(batch string) sums {
	s := sums{rating: map[value]int{}}
	for f := range s.counts {
		s.counts[f] = map[value]int{}
	}
	for _, c := range a.calls[batch] {
		switch {
		case c.removed, c.revision == 0: // it is not listed, or nothing was told of it yet
			continue
		case c.unread:
			s.unsure++
			continue
		}
		s.calls++
		s.rated++
		if c.rating != null {
			s.rating[c.rating]++
		}
		for f := range fields {
			if v, known := c.end(a, f); known {
				s.counts[f][v]++
			}
		}
	}
	return s
}

// checkManifest compares the manifest with what the stream told of the calls.
// Where something is not known, since it was recorded silently or cannot be read,
// the manifest may have more of it, but never less than what is known.
func (b *batch) checkManifest(a *Auditor, d event.Batch) {
	m := d.Manifest
	if m == nil {
		a.problem("it has no manifest")
		return
	}
	if m.Events > b.events && a.held != nil {
		a.held.shortage = append(a.held.shortage, shortage{a.current, m, b.events})
		return
	}
	if m.Events != b.events {
		a.problem("the manifest has %d events, the stream %d", m.Events, b.events)
	}
	if m.Events > b.events {
		return // what these tell is missing in all that follows
	}
	if !b.vague && (!sameTime(m.First, b.first) || !sameTime(m.Last, b.last)) {
		a.problem("the manifest's first and last are not those of the stream")
	}
	s := a.sum(d.BatchID)
	if most := s.calls + s.unsure; m.Calls < s.calls || m.Calls > most && !a.AllowBaseline {
		a.problem("the manifest has %d calls, the stream %d", m.Calls, s.calls)
		return
	}
	a.checkCounts(m.Calls, request, m.RequestStatus, s)
	a.checkCounts(m.Calls, channel, m.ChannelStatus, s)
	a.checkCounts(m.Calls, insights, m.InsightsStatus, s)
	a.checkRatings(m, s)
}

// sameTime compares a time that is null where there is none.
func sameTime(got *time.Time, want time.Time) bool {
	if got == nil {
		return want.IsZero()
	}
	return got.Equal(want)
}

func (a *Auditor) checkCounts(calls int, f field, got map[string]int, s sums) {
	total := 0
	for _, n := range got {
		total += n
	}
	if total != calls {
		a.problem("the manifest counts %d calls by %s, but has %d", total, f, calls)
		return
	}
	if short := a.lacks(got, s.counts[f]); short != "" {
		a.problem("the manifest's counts by %s are not those of the stream: %s", f, short)
	}
}

// checkRatings: not every call has a rating, so the total says less.
func (a *Auditor) checkRatings(m *event.Manifest, s sums) {
	total, known := 0, 0
	for _, n := range m.Rating {
		total += n
	}
	for _, n := range s.rating {
		known += n
	}
	short := a.lacks(m.Rating, s.rating)
	if short == "" && total-known > m.Calls-s.rated {
		short = fmt.Sprintf("%d calls have one, want %d", total, known)
	}
	if short != "" {
		a.problem("the manifest's counts by rating are not those of the stream: %s", short)
	}
}

// lacks says of which values there are less than there must be, "" for none.
func (a *Auditor) lacks(got map[string]int, want map[value]int) string {
	atLeast := map[string]int{}
	for v, n := range want {
		atLeast[a.word(v)] += n
	}
	var short []string
	for _, word := range sortedKeys(atLeast) {
		if got[word] < atLeast[word] {
			short = append(short, fmt.Sprintf("%d of %s, want %d", got[word], quote(word), atLeast[word]))
		}
	}
	return strings.Join(short, ", ")
}
