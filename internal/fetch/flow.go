package fetch

import (
	"cmp"
	"slices"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// flow is which calls of a batch are on the move: in the lists of a
// request_status between waiting and over, or of an insights_status that is
// still to change. Its calls are few, however large the batch.
type flow struct {
	at    map[syllable.Filter]map[string]bool // the reference ids in each list
	asked map[syllable.Filter]time.Time       // when each list was asked for last
	whole time.Time                           // when all of them were
	left  map[string]time.Time                // no longer in its list, since when
}

func newFlow() flow {
	f := flow{
		at: map[syllable.Filter]map[string]bool{}, asked: map[syllable.Filter]time.Time{}, left: map[string]time.Time{},
	}
	// The platform's own; a batch may have others.
	for _, known := range []syllable.Filter{
		{Status: "INITIATED"}, {Status: "CONNECTED"}, {InsightsStatus: "PENDING"}, {InsightsStatus: "PROCESSING"},
	} {
		f.at[known] = map[string]bool{}
	}
	return f
}

// note takes in one result of a list.
func (f *flow) note(r syllable.Result) {
	if syllable.PhaseOf(r.RequestStatus) == syllable.Moving {
		f.put(syllable.Filter{Status: *r.RequestStatus}, r.ReferenceID)
	}
	if r.InsightsOpen() {
		f.put(syllable.Filter{InsightsStatus: *r.InsightsStatus}, r.ReferenceID)
	}
}

func (f *flow) put(list syllable.Filter, ref string) {
	if f.at[list] == nil {
		f.at[list] = map[string]bool{}
	}
	f.at[list][ref] = true
}

// since notes when the whole list, of which all was noted, was asked for.
func (f *flow) since(asked time.Time) {
	f.whole = asked
	clear(f.asked)
}

// size is how many results the lists have together.
func (f *flow) size() int {
	n := 0
	for _, calls := range f.at {
		n += len(calls)
	}
	return n
}

// lists returns the lists to ask for, those of the calls before those of their
// insights, as a call goes through them.
func (f *flow) lists() []syllable.Filter {
	all := make([]syllable.Filter, 0, len(f.at))
	for list := range f.at {
		all = append(all, list)
	}
	slices.SortFunc(all, func(a, b syllable.Filter) int {
		// INITIATED comes before CONNECTED.
		return cmp.Or(cmp.Compare(a.InsightsStatus, b.InsightsStatus), cmp.Compare(b.Status, a.Status))
	})
	return all
}

// in returns the calls in a list.
func (f *flow) in(list syllable.Filter) map[string]bool { return f.at[list] }

// tracks says whether a list is asked for.
func (f *flow) tracks(list syllable.Filter) bool { return f.at[list] != nil }

func (f *flow) empty(list syllable.Filter) bool { return len(f.at[list]) == 0 }

// openInsights is how many calls have insights still to come.
func (f *flow) openInsights() int {
	n := 0
	for list, calls := range f.at {
		if list.InsightsStatus != "" {
			n += len(calls)
		}
	}
	return n
}

// listedBefore returns when a list, or a whole one, was asked for last.
func (f *flow) listedBefore(list syllable.Filter) time.Time {
	if at, ok := f.asked[list]; ok {
		return at
	}
	return f.whole
}

// sinceOf returns, for an answer that lists some calls, since when a field of a
// call may have its value. Who is in a list and was not when that was asked for
// before has got its status since; all else of a call may be as old as the last
// look at it, which is at the newest whole list unless it is tracked.
func (f *flow) sinceOf(list syllable.Filter) func(reference, field string) time.Time {
	before := f.listedBefore(list)
	tracked := map[string]time.Time{}
	for l, calls := range f.at {
		at := f.listedBefore(l)
		for ref := range calls {
			if at.After(tracked[ref]) {
				tracked[ref] = at
			}
		}
	}
	whole := f.whole
	return func(reference, field string) time.Time {
		at, known := tracked[reference]
		switch {
		case known:
			return at
		case field == fieldRequest && list.Status != "" && f.tracks(list),
			field == fieldInsights && list.InsightsStatus != "" && f.tracks(list):
			return before
		}
		return whole
	}
}

// The platform's names of the fields that lists are filtered by.
const (
	fieldRequest  = "request_status"
	fieldInsights = "insights_status"
)

// adopt takes in the lists of statuses that were not seen before.
func (f *flow) adopt(seen flow) {
	for list, calls := range seen.at {
		if f.tracks(list) {
			continue
		}
		for ref := range calls {
			f.put(list, ref)
		}
	}
}

// read takes in who is in a list now. Who no longer is has left, and who is has
// not, whatever list it left before.
func (f *flow) read(list syllable.Filter, now map[string]bool, asked time.Time) {
	before := f.listedBefore(list)
	f.asked[list] = asked
	for ref := range f.at[list] {
		if _, known := f.left[ref]; !known && !now[ref] {
			f.left[ref] = before
		}
	}
	if !f.tracks(list) && len(now) == 0 {
		return // a list of calls that are over, read for once
	}
	if now == nil {
		now = map[string]bool{}
	}
	f.at[list] = now
	for ref := range now {
		delete(f.left, ref)
	}
}

// leavers returns the calls that left their list and are in no other, sorted,
// and since when that may have been.
func (f *flow) leavers() (refs []string, since time.Time) {
	for ref, at := range f.left {
		if f.listed(ref) {
			delete(f.left, ref)
			continue
		}
		if refs = append(refs, ref); since.IsZero() || at.Before(since) {
			since = at
		}
	}
	slices.Sort(refs)
	return refs, since
}

func (f *flow) listed(ref string) bool {
	for _, calls := range f.at {
		if calls[ref] {
			return true
		}
	}
	return false
}

// found takes in what became of calls that had left: again holds those of them
// that are on the move after all. One that the platform no longer shows is left
// to the next whole list.
func (f *flow) found(left []string, again flow) {
	for _, ref := range left {
		delete(f.left, ref)
	}
	for list, calls := range again.at {
		for ref := range calls {
			f.put(list, ref)
		}
	}
}
