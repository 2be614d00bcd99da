// Package fetch asks the platform: which batches there are, when each is due,
// and what became of its calls. What it yields is an [Observation], a complete
// and valid list of the results of a batch, or of those of some of its calls,
// and it yields nothing else: an answer that is cut off, not JSON, or not a list
// is an error and reaches nobody.
//
// # When
//
// A [Poller] owns the schedule. It asks for batches side by side, within bounds
// on requests at once and a second, and never for the same batch twice at once;
// the longest overdue comes first. How long a batch waits depends on what it
// does, see factor. A batch that fails waits longer from time to time and keeps
// nobody else waiting.
//
// # How much
//
// The platform has no way to ask what changed. A large list is therefore asked
// for as a whole only now and then (longestWhole), and in parts in between: the
// batch's counts; the calls that are on the line or have insights to come, which
// are few (flow); those that left these lists, one by one; and, where the
// platform counts more calls of a status than are held, those of that status.
// Whatever a part shows is true of the calls in it; that a call is in none says
// nothing. So a platform whose counts or filters are not what they seem makes
// changes be seen later, in the next whole list, but never makes one up.
//
// A body is kept whole until it was seen to be valid: in memory while it is
// small, else in a temporary file of mode 0600 in the state folder, since it
// holds phone numbers. So memory does not grow with the batch.
//
// # Health
//
// Polls that fail in a row, of whatever batches, are told to a [Herald] as an
// outage.
//
// The package does not compare, keep or publish anything. What is held of a
// batch the [Taker] tells it, in sums.
package fetch
