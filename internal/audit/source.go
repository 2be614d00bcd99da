package audit

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// source is what is kept of the events of the source.
type source struct {
	revision uint64
	since    *time.Time // of the outage under way; nil: there is none
}

func (s *source) add(a *Auditor, id event.ID, subject string, header map[string][]string, data []byte) {
	var d event.Outage
	_, err := object(data, "", "revision", "since", "failed_polls", "cause")
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err == nil && d.Revision != id.Revision {
		err = fmt.Errorf("it is of revision %d", d.Revision)
	}
	if err != nil {
		a.problem("the data cannot be read: %v", err)
		s.revision = max(s.revision, id.Revision)
		return
	}
	name := event.SourceUnreachable
	at, err := time.Parse(time.RFC3339, first(header, event.HeaderTime)) // nothing in the data says it
	if d.Until != nil {
		name, at, err = event.SourceRecovered, *d.Until, nil
	}
	if err != nil {
		a.problem("header %s: %v", event.HeaderTime, err)
	}
	a.report.ByName[name]++
	a.checkMessage(envelope{id: id, name: name, time: at}, subject, header)
	if id.Revision != s.revision+1 {
		a.problem("it comes after revision %d", s.revision)
	}
	s.revision = max(s.revision, id.Revision)
	switch {
	case d.FailedPolls < 1 || d.Cause == "" || at.Before(d.Since):
		a.problem("it has no failed polls, no cause, or ends before it begins")
	case d.Until == nil && s.since != nil:
		a.problem("it is unreachable for a second time")
	case d.Until != nil && (s.since == nil || !s.since.Equal(d.Since)):
		a.problem("it recovered, but was not unreachable since %s", d.Since)
	}
	s.since = nil
	if d.Until == nil {
		s.since = &d.Since
	}
}
