// Package fetch asks the platform: which batches there are, when each is due,
// and what became of its calls. What it yields is an [Observation], one
// complete and valid list of the results of a batch, and it yields nothing
// else: an answer that is cut off, not JSON, or not a list is an error and
// reaches nobody.
//
// A [Poller] owns the schedule. It asks for batches side by side, up to a
// bound, and never for the same batch twice at once. A batch that fails waits
// longer from time to time and keeps nobody else waiting.
//
// A body is kept whole until it was seen to be valid: in memory while it is
// small, else in a temporary file of mode 0600 in the state folder, since it
// holds phone numbers. So memory does not grow with the batch.
//
// The package does not compare, keep or publish anything, and does not know
// what was seen of a batch before, but for the fingerprint of the newest body.
package fetch
