// Package ingest takes observations into the state: it compares each call that
// was seen with the record held of it, and commits the new record together
// with the events of the difference.
//
// It commits in bounded transactions, in the order of the calls' reference
// ids within each. A chunk holds each of its calls' record and events
// together, so a crash between two chunks loses nothing and repeats nothing:
// the next observation of the batch finds some calls up to date and others
// not.
//
// It also knows the life of a batch: that it was discovered, what the platform
// says of it (batch.go), that calls of it are missing in whole lists and when
// that is believed (absence.go), and that it is complete, with the sums of it
// (complete.go). The batch's own record and events are in the same transactions.
//
// The package does not ask the platform, does not decide what a transition is,
// and does not publish: committed events wait in the store's outbox.
package ingest
