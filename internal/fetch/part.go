package fetch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

const (
	// longestWhole is the longest time between two whole lists of a batch that
	// is polled in parts, in target intervals: equal counts can hide opposite
	// moves, and say nothing of insights.
	longestWhole = 40
	// owedWhole is the shortest time between two that are owed.
	owedWhole = 4
	// smallBody is a body that is not worth parts, in bytes: one request is
	// better than five.
	smallBody = 64 << 10
	// partShare is the share of a whole list, as its inverse, above which parts
	// are not worth their requests.
	partShare = 4
	// maxLookups bounds how many calls are looked up one by one in a poll.
	maxLookups = 64
)

// wholeDue says whether a whole list is to be asked for, whatever it costs.
func (m *mind) wholeDue(now time.Time, b syllable.Batch, interval, settle time.Duration) bool {
	age := now.Sub(m.asked)
	switch {
	case m.lists == 0, m.held.Absent > 0, m.held.Completed, age >= longestWhole*interval:
		return true
	case m.owed:
		return age >= owedWhole*interval
	case m.finishing(b): // once more when it has settled
		return now.Sub(m.changed) >= settle && m.asked.Before(m.changed.Add(settle))
	}
	return false
}

// partPays says whether parts of the list cost much less than all of it.
func (m *mind) partPays() bool {
	// Of two results with one reference id a part may show the one that does
	// not count.
	return m.size > smallBody && m.flow.size() <= m.count/partShare && !m.twice && !time.Now().Before(m.unfiltered)
}

// finishing says whether all calls seem to have ended; those of a batch that has
// ended are not dialled any more.
func (m *mind) finishing(b syllable.Batch) bool {
	waiting, moving := m.phases()
	return (waiting == 0 || b.Ended()) && moving == 0 && !m.held.Completed
}

// phases returns how many calls wait to be dialled, and of how many more is to
// be heard soon.
func (m *mind) phases() (waiting, moving int) {
	for status, n := range m.held.Calls {
		switch syllable.PhaseOf(&status) {
		case syllable.Waiting:
			waiting += sum(n)
		case syllable.Moving:
			moving += sum(n)
		case syllable.Over:
		}
	}
	return waiting, moving + m.flow.openInsights()
}

// pollPart asks for the calls that are moving, for those that no longer are,
// and where the counts show more, for those that moved between two polls.
func (p *Poller) pollPart(ctx context.Context, j *job) error {
	if err := p.look(ctx, j); err != nil {
		return err
	}
	m := j.mind
	if len(j.batch.Breakdown) == 0 {
		m.owed = true // the platform does not count: the list has to say it all
		return p.pollWhole(ctx, j)
	}
	if err := p.pollParts(ctx, j); isAboutFilters(err) {
		m.unfiltered = time.Now().Add(unfilteredFor)
		return p.pollWhole(ctx, j)
	} else if err != nil {
		return err
	}
	return nil
}

// unfilteredFor is how long a batch is read whole after the platform did not take
// a filter.
const unfilteredFor = time.Hour

var errFilter = errors.New("the platform does not keep to the filters")

// isAboutFilters says whether what went wrong may be the fault of a filter: the
// batch itself was there a moment ago.
func isAboutFilters(err error) bool {
	return errors.Is(err, errFilter) || syllable.IsNotFound(err) || syllable.IsUnprocessable(err)
}

func (p *Poller) pollParts(ctx context.Context, j *job) error {
	m := j.mind
	// The counts come first: what is listed after them is at least as new, so
	// that a count which is higher shows a call that no list has shown.
	told := countsOf(j.batch)
	for _, f := range m.flow.lists() {
		if f.Status != "" && told[pair{request: f.Status}] == 0 && m.flow.empty(f) {
			continue // nobody is in it, so the counts say
		}
		if err := p.readPart(ctx, j, f); err != nil {
			return err
		}
	}
	if err := p.lookUp(ctx, j); err != nil {
		return err
	}
	for _, status := range m.unexplained(told) {
		if err := p.readPart(ctx, j, syllable.Filter{Status: status}); err != nil {
			return err
		}
	}
	m.compare(told)
	return nil
}

// unexplained returns the statuses to list because the platform counts more calls
// of them than are held. Those of calls on the move were just listed. One that began to
// move between the counts and the lists makes one too few that wait, which the
// next counts put right; so a list of those waits for a second time.
func (m *mind) unexplained(told counts) []string {
	return m.excess(told).statuses(func(status string) bool {
		switch syllable.PhaseOf(&status) {
		case syllable.Over:
			return true
		case syllable.Waiting:
			return len(m.doubt.of(status)) > 0
		case syllable.Moving: // a status that was not seen before
			return !m.flow.tracks(syllable.Filter{Status: status})
		}
		return false
	})
}

// excess returns what the platform counts beyond what is held.
func (m *mind) excess(told counts) counts {
	more := excess(told, heldCounts(m.held), m.drift)
	for p := range more {
		if p.channel != "" && m.coarse[p.request] {
			delete(more, p)
		}
	}
	return more
}

// compare keeps what is still not explained when all was asked for. What stays
// so in two polls is for a whole list to explain.
func (m *mind) compare(told counts) {
	more := m.excess(told)
	again := counts{}
	for p, n := range more {
		if m.doubt[p] > 0 && syllable.PhaseOf(&p.request) != syllable.Moving {
			again[p] = n
		}
	}
	fewer := told.total() < heldCounts(m.held).total()
	switch {
	case len(again.totals()) > 0, fewer && m.fewer:
		m.owed = true
	case len(again) > 0 && m.coarse == nil:
		m.coarse = map[string]bool{}
		fallthrough
	case len(again) > 0: // it counts the channel's statuses in another way
		for p := range again {
			m.coarse[p.request] = true
		}
	}
	m.doubt, m.fewer = more, fewer
}

// readPart asks for the calls of one status and hands them over.
func (p *Poller) readPart(ctx context.Context, j *job, f syllable.Filter) error {
	o := p.observation(ctx, j)
	defer o.close()
	if _, err := p.platform.results(ctx, &j.spent, j.id, f, syllable.Version{}, o.body); err != nil {
		return err
	}
	refs := newFlow()
	o.Partial, o.since = true, j.mind.flow.sinceOf(f)
	if err := p.takePart(ctx, j, o, refs.note); err != nil {
		return err
	}
	j.mind.flow.read(f, refs.in(f), o.Asked)
	j.mind.flow.adopt(refs)
	return nil
}

// lookUp asks for the calls that left their list and turned up in no other, one
// by one, and hands them over together.
func (p *Poller) lookUp(ctx context.Context, j *job) error {
	m := j.mind
	left, since := m.flow.leavers()
	switch {
	case len(left) == 0:
		return nil
	case len(left) > maxLookups:
		return p.pollWhole(ctx, j)
	}
	o := p.observation(ctx, j)
	defer o.close()
	o.Partial, o.since = true, func(string, string) time.Time { return since }
	list := newJoin(o.body)
	for _, ref := range left {
		body := &oneResult{}
		f := syllable.Filter{ReferenceID: ref}
		if _, err := p.platform.results(ctx, &j.spent, j.id, f, syllable.Version{}, body); err != nil {
			return err
		}
		err := syllable.ReadResults(&body.Buffer, func(raw []byte) error {
			if r, err := syllable.ParseResult(raw); err != nil || r.ReferenceID != ref {
				return cmp.Or(err, errFilter)
			}
			return list.add(raw)
		})
		if err != nil {
			return fmt.Errorf("results of batch %s: %w", j.id, err)
		}
	}
	if err := list.end(); err != nil {
		return err
	}
	again := newFlow()
	if err := p.takePart(ctx, j, o, again.note); err != nil {
		return err
	}
	m.flow.found(left, again)
	return nil
}

// maxOneResult bounds the answer to the question for one call, in bytes.
const maxOneResult = 4 << 20

// oneResult takes the answer to such a question; one that is much larger shows
// that the platform passed over the filter.
type oneResult struct{ bytes.Buffer }

func (b *oneResult) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOneResult {
		return 0, errFilter
	}
	return b.Buffer.Write(p)
}

// takePart makes sure of a list of some calls and hands it over.
func (p *Poller) takePart(ctx context.Context, j *job, o *Observation, note func(syllable.Result)) error {
	o.Answered = time.Now()
	if err := o.validate(ctx, note); err != nil {
		return fmt.Errorf("results of batch %s: %w", j.id, err)
	}
	m := j.mind
	lists := m.lists
	m.lists, m.whole = 0, false // see pollWhole
	held, err := p.taker.Take(ctx, o)
	if err != nil {
		return err
	}
	m.lists = lists
	m.learn(held, o.Answered)
	j.duplicates += o.Duplicates
	return nil
}

// join makes one list of several.
type join struct {
	spool *spool
	sep   string
}

func newJoin(s *spool) *join { return &join{spool: s, sep: "["} }

func (l *join) add(raw []byte) error {
	_, err := l.spool.Write(append([]byte(l.sep), raw...))
	l.sep = ","
	return err
}

func (l *join) end() error {
	text := "]"
	if l.sep == "[" {
		text = "[]"
	}
	_, err := l.spool.Write([]byte(text))
	return err
}
