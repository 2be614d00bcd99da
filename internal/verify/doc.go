// Package verify proves that the stream and the state agree on a batch: that the
// events of each call have no gap and make an unbroken chain, that the newest of
// them says what the record says, and that the manifest counts what there is.
// What does not agree it tells in sentences, each of one call, with the messages
// of the stream where it is.
//
// [Verifier.Verify] takes one consistent look at the state, with what waits in the
// outbox, and then reads what the stream holds of the batch. It may run while
// calls go on: what came after the look is not judged. What it seems to have found
// is told only if a second look finds it too, since a replica may lag behind, and
// events may leave the stream while it is read.
//
// # What is missing, and what has aged
//
// A stream keeps its events for a time only, so the chain of a call may begin
// later than its first event. That is no problem where the stream has lost its
// front (its first message is not number 1, by age, by another limit, or because
// somebody purged it) and the batch is older than what is at the front now; or
// where the stream is younger than the batch, and older than it keeps anything.
// A hole behind an event that is there always is one, and so is a missing end.
// So a loss at the very front of a stream cannot be told from a purge: [Result] says
// whether what is gone there had its time still before it.
//
// # What it does not do
//
// Package audit does the judging: this one gets the two sides for it. It never
// writes to the state or to the stream. To put lost events back is up to whoever
// gives [Options] a Repair. It leaves the events of other state files, so of a
// state that was restored from a copy what was told since.
package verify
