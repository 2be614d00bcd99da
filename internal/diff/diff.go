package diff

import "github.com/syllable-notifier/notifier/event"

// statusPending is what an absent or null request_status counts as.
const statusPending = "PENDING"

// Values are the tracked fields of one call, nil for the platform's null.
type Values struct {
	Request  *string // request_status; nil counts as PENDING
	Channel  *string // channel_manager_status
	Insights *string // insights_status
	// Content is the fingerprint of the insights themselves: the first 16 hex
	// digits of the SHA-256 of the compact object, nil without one.
	Content *string
}

// Record is what is held of one call between polls.
type Record struct {
	Values
	// Revision is the number of events that the call has had.
	Revision uint64
	// ContentTold says that an insights.updated was given for the call, so
	// that a chain of fingerprints is on the stream and must stay unbroken.
	ContentTold bool
	// Removed says that the platform no longer lists the call, and that this
	// was told.
	Removed bool
}

// Change is one transition of one field.
type Change struct {
	Name     string // of the event, such as request.failed
	Field    event.Field
	From, To *string
	Revision uint64 // of the call, counted from 1
}

// Baseline returns the record of a call that was already there at the very
// first start and is recorded without events.
func Baseline(seen Values) Record {
	return Record{Values: normal(seen)}
}

// Call compares the record held of a call, nil on first sight, with what was
// seen, and returns the record to hold from now on and the transitions:
// request, channel, insights, in this order.
func Call(held *Record, seen Values) (Record, []Change) {
	var was Record // on first sight every field starts from null
	switch {
	case held != nil && held.Removed: // listed again: as at first, but it goes on counting
		was.Revision, was.ContentTold = held.Revision, held.ContentTold
	case held != nil:
		was = *held
	}
	now := Record{Values: normal(seen), Revision: was.Revision, ContentTold: was.ContentTold}
	var changes []Change
	add := func(name string, field event.Field, from, to *string) {
		now.Revision++
		changes = append(changes, Change{Name: name, Field: field, From: from, To: to, Revision: now.Revision})
	}
	status := func(kind event.Kind, field event.Field, from, to *string) {
		if !same(from, to) {
			add(event.Name(kind, to), field, from, to)
		}
	}
	status(event.KindRequest, event.FieldRequestStatus, was.Request, now.Request)
	status(event.KindChannel, event.FieldChannelStatus, was.Channel, now.Channel)
	status(event.KindInsights, event.FieldInsightsStatus, was.Insights, now.Insights)

	// The content has its own event where the status did not change; where it
	// did, the insights.<status> event carries the new content. Once a
	// fingerprint was told, though, every further one is, or the next one's
	// "from" would not be the "to" before it.
	if !same(was.Content, now.Content) && (same(was.Insights, now.Insights) || was.ContentTold) {
		add(event.InsightsUpdated, event.FieldInsights, was.Content, now.Content)
		now.ContentTold = true
	}
	return now, changes
}

// Removal returns the record to hold of a call that the platform no longer
// lists, and the change that says so.
func Removal(held Record) (Record, Change) {
	listed, removed := event.PresenceListed, event.PresenceRemoved
	now := held
	now.Revision++
	now.Removed = true
	return now, Change{
		Name: event.RequestRemoved, Field: event.FieldPresence, From: &listed, To: &removed, Revision: now.Revision,
	}
}

func normal(v Values) Values {
	if v.Request == nil {
		pending := statusPending
		v.Request = &pending
	}
	return v
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
