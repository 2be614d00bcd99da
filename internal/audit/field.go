package audit

import (
	"math"

	"github.com/syllable-notifier/notifier/event"
)

// field numbers the tracked fields, so that a call can keep them in arrays.
type field uint8

const (
	request field = iota
	channel
	insights
	content
	fields // how many there are
)

// presence is not tracked by value: a step of it says that the call was removed.
const presence = fields

// fieldNames are the fields' names at the platform, by number.
func fieldNames() [fields]event.Field {
	return [fields]event.Field{
		request:  event.FieldRequestStatus,
		channel:  event.FieldChannelStatus,
		insights: event.FieldInsightsStatus,
		content:  event.FieldInsights,
	}
}

func fieldOf(name event.Field) (field, bool) {
	for f, n := range fieldNames() {
		if n == name {
			return field(f), true
		}
	}
	return 0, false
}

func (f field) String() string { return string(fieldNames()[f]) }

// name returns the name of the event that says that f is now to.
func (f field) name(to *string) string {
	switch f {
	case request:
		return event.Name(event.KindRequest, to)
	case channel:
		return event.Name(event.KindChannel, to)
	case insights:
		return event.Name(event.KindInsights, to)
	default:
		return event.InsightsUpdated
	}
}

// pending is what an absent or null request_status counts as.
const pending = "PENDING"

// counts returns what a value of the platform counts as.
func (f field) counts(v *string) *string {
	if f == request && v == nil {
		p := pending
		return &p
	}
	return v
}

// values numbers all the values that fields have had, so that a call keeps
// small numbers and not strings of its own.
type values struct {
	number map[string]value
	text   []string
}

// value is the number of a text, and null for the platform's null.
type value uint32

const (
	null value = 0
	gone value = math.MaxUint32 // of presence; no text is numbered so
)

func (v *values) put(s *string) value {
	if s == nil {
		return null
	}
	if n, ok := v.number[*s]; ok {
		return n
	}
	if v.number == nil {
		v.number = map[string]value{}
	}
	v.text = append(v.text, *s)
	n := value(len(v.text)) //nolint:gosec // memory ends long before numbers do
	v.number[*s] = n
	return n
}

func (v *values) get(n value) *string {
	if n == null {
		return nil
	}
	return &v.text[n-1]
}
