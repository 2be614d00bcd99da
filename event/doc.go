// Package event defines the events that notifier publishes, of calls, of
// batches, and of the platform as the source of both: their names, ids,
// subjects, CloudEvents headers and data. It is public and uses the standard
// library only, so that a subscriber can import it without pulling in anything
// else.
//
// A subscriber needs one call:
//
//	ev, err := event.Decode(msg.Header, msg.Data)
//
// and finds in ev what changed, when, and the platform's own object, verbatim.
// The scope of ev.ID says whose event it is, and so which of [Event.Call],
// [Event.Batch] and [Event.Outage] reads its data.
//
// The format is CloudEvents 1.0 in the NATS binding's binary mode: attributes
// travel as headers, the message body is the data alone.
//
// The package does not talk to NATS, does not decide what is an event, and
// does not judge statuses: the platform's set of statuses is open, and every
// status has a name here, unknown ones included.
package event
