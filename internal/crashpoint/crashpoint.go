// Package crashpoint names the moments at which a crash would be most telling,
// so that a test can have the process killed at exactly one of them. The code
// says Here at each; a binary built with the tag crashpoints then ends itself
// with SIGKILL where the variable CRASHPOINT says so:
//
//	CRASHPOINT=relay.acked:2       the second time that the point is reached
//	CRASHPOINT=store.commit:1:3ms  3 ms after the first time, wherever that is
//
// Any other build has no trace of it: Here is empty there and inlined, and the
// variable is not read. It is no setting of the product.
//
// The package never runs a cleanup, and does not choose when to crash: that is
// for package torture, whose tests prove that each point is reached.
package crashpoint

// Point is the name of a moment.
type Point string

// The points, each in the order in which a process comes to it.
const (
	// StoreCreate comes before a new state file gets its name, StoreCreated
	// after, before the folder is synced.
	StoreCreate  Point = "store.create"
	StoreCreated Point = "store.created"
	// StreamCreate comes before the server is asked to make the stream,
	// StreamCreated after.
	StreamCreate  Point = "stream.create"
	StreamCreated Point = "stream.created"
	// FetchAnswered comes when an answer was read and found valid.
	FetchAnswered Point = "fetch.answered"
	// IngestChunk comes between two transactions of one long list.
	IngestChunk Point = "ingest.chunk"
	// StoreCommit comes when all is written into a transaction of calls and
	// events, before its commit, and StoreCommitted after the commit.
	StoreCommit    Point = "store.commit"
	StoreCommitted Point = "store.committed"
	// RelayPublish comes before events are sent to the stream; RelayOne after
	// the ack of one of several that are sent one by one; RelayAcked after the
	// ack of all, before they leave the outbox; RelayLeft after that.
	RelayPublish Point = "relay.publish"
	RelayOne     Point = "relay.one"
	RelayAcked   Point = "relay.acked"
	RelayLeft    Point = "relay.left"
	// SinkPlaced comes when the place of a sink is kept, before its consumer is
	// made; SinkDeleted when a consumer that would skip events is deleted,
	// before it is made again.
	SinkPlaced  Point = "sink.placed"
	SinkDeleted Point = "sink.deleted"
	// SinkDelivered comes when a sink has taken an event, before its ack.
	SinkDelivered Point = "sink.delivered"
)

// All are all points.
var All = []Point{
	StoreCreate, StoreCreated, StreamCreate, StreamCreated, FetchAnswered, IngestChunk, StoreCommit, StoreCommitted,
	RelayPublish, RelayOne, RelayAcked, RelayLeft, SinkPlaced, SinkDeleted, SinkDelivered,
}
