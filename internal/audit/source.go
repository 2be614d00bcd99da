package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/syllable-notifier/notifier/event"
)

// source is what is kept of the events of the source.
type source struct {
	revisions
	outage *event.Outage // the one under way; nil: there is none
	lost   bool          // an event is missing or cannot be read, so whether there is one is not known
}

// addSource judges an event of the source.
func (a *Auditor) addSource(r raw) {
	d, err := readOutage(r.data)
	id := r.id
	if err != nil {
		if r.idErr != nil {
			a.unreadable(r, err)
			return
		}
		a.begin(sourceAt(id.Revision), r)
		if a.strange(id) {
			return
		}
		a.problem("the data cannot be read: %v", err)
		if fresh, _ := a.next(&a.source.revisions, id.Revision); fresh {
			a.source.lost = true
		}
		return
	}
	id.Scope, id.Batch, id.Reference, id.Revision = event.ScopeSource, "", "", d.Revision
	a.begin(sourceAt(id.Revision), r)
	if a.strange(id) {
		return
	}
	e := envelope{id: id, idErr: r.idErr, name: event.SourceUnreachable}
	if d.Until != nil {
		e.name, e.time = event.SourceRecovered, *d.Until
	} else {
		e.time = a.toldTime(r)
	}
	a.named(e, r)
	a.checkOutage(d, e.time)
	a.source.add(a, d)
}

func sourceAt(revision uint64) string { return fmt.Sprintf("the source, revision %d", revision) }

// readOutage reads the data of an event of the source.
func readOutage(data []byte) (event.Outage, error) {
	var d event.Outage
	if !utf8.Valid(data) {
		return d, errNotUnicode
	}
	top, err := object(data, "", "revision", "since", "failed_polls", "cause")
	if err != nil {
		return d, err
	}
	if string(top["until"]) == "null" {
		return d, errors.New("until is null; it is absent where there is none")
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, err
	}
	if d.Revision == 0 {
		return d, errors.New("revision is 0")
	}
	return d, nil
}

// toldTime returns ce-time, which no data say where the platform is unreachable;
// zero where it cannot be read.
func (a *Auditor) toldTime(r raw) time.Time {
	told := first(r.header, event.HeaderTime)
	at, err := time.Parse(time.RFC3339, told)
	if err != nil && told != "" { // said to be missing otherwise
		a.problem("header %s is %s, want a time", event.HeaderTime, quote(told))
	}
	return at
}

func (a *Auditor) checkOutage(d event.Outage, at time.Time) {
	if d.FailedPolls < 1 {
		a.problem("failed_polls is %d, want 1 or more", d.FailedPolls)
	}
	if d.Cause == "" {
		a.problem("cause is empty")
	}
	if !at.IsZero() && at.Before(d.Since) {
		a.problem("it is observed before since")
	}
}

// add wants outages and recoveries by turns.
func (s *source) add(a *Auditor, d event.Outage) {
	fresh, missing := a.next(&s.revisions, d.Revision)
	if !fresh {
		return
	}
	was, known := s.outage, !s.lost && !missing
	s.outage, s.lost = nil, false
	if d.Until == nil {
		s.outage = &d
		if known && was != nil {
			a.problem("it is unreachable, but was so already")
		}
		return
	}
	switch {
	case !known:
	case was == nil:
		a.problem("it has recovered, but was not unreachable")
	case !was.Since.Equal(d.Since):
		a.problem("it has recovered since another time than it was unreachable")
	case d.FailedPolls < was.FailedPolls:
		a.problem("it has recovered after %d failed polls, but %d were told before", d.FailedPolls, was.FailedPolls)
	}
}
