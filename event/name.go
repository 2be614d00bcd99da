package event

import "strings"

// Kind is the first part of an event's name: which aspect of a call changed, or
// that it is about the whole batch.
type Kind string

// The kinds of call events; a batch's own are of KindBatch.
const (
	KindRequest  Kind = "request"
	KindChannel  Kind = "channel"
	KindInsights Kind = "insights"
)

// Field is the field of the platform's object that changed.
type Field string

// The fields of a call that are tracked, and the name of the event kind each
// gives. FieldInsights is the content of the insights, not their status.
const (
	FieldRequestStatus  Field = "request_status"         // kind request
	FieldChannelStatus  Field = "channel_manager_status" // kind channel
	FieldInsightsStatus Field = "insights_status"        // kind insights
	FieldInsights       Field = "insights"               // event InsightsUpdated
	FieldPresence       Field = "presence"               // event RequestRemoved
)

// RequestRemoved is the name of the event that says that the platform no longer
// lists a call; its field is presence, from PresenceListed to PresenceRemoved.
// Nothing is left of the platform's object, so its result is the reference id
// alone.
const RequestRemoved = "request.removed"

// Values of FieldPresence.
const (
	PresenceListed  = "LISTED"
	PresenceRemoved = "REMOVED"
)

// InsightsUpdated is the name of the event that says that the content of a
// call's insights changed while their status did not.
const InsightsUpdated = "insights.updated"

// InsightsCompleted is the name of the event that says that the insights of a
// call are complete.
const InsightsCompleted = "insights.completed"

// Words for statuses that leave no word of their own.
const (
	wordNull    = "none"    // the status is null
	wordUnnamed = "unnamed" // the status has no letter a-z and no digit
)

// Name returns the name of the event that a field of the given kind gives
// when it takes the given status; nil is the platform's null:
//
//	Name(KindChannel, "NO-ANSWER") = "channel.no_answer"
//
// It is total: a status never seen before makes a new name, never an error.
func Name(kind Kind, status *string) string {
	return string(kind) + "." + statusWord(status)
}

// statusWord lower-cases the status and writes each run of characters outside
// a-z and 0-9 as one underscore, with none at the ends. A status that has
// nothing left (an empty one, or one in another script) is "unnamed", since a
// name must have a word and a subject must not have an empty token.
func statusWord(status *string) string {
	if status == nil {
		return wordNull
	}
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(*status) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('_')
			gap = false
		}
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return wordUnnamed
	}
	return b.String()
}
