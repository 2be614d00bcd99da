// Package publish moves committed events to where people and programs read
// them. It has two halves that meet only at the stream:
//
//   - [Relay] takes events from the store's outbox, in order, to a [Stream], and
//     tells the outbox what the stream holds. What the stream loses is published
//     again, as far as the outbox keeps it. [JetStream] is the stream of a server.
//   - [Delivery] is a durable consumer of that stream which hands each event
//     to a [Sink], such as Slack, the events of one call one at a time and in
//     order, and acknowledges it only when the sink has taken it.
//
// The package does not know how the outbox is kept, what server holds the
// stream, or what a sink does with an event. It never drops an event: what
// cannot be published or delivered is parked with its reason.
package publish
