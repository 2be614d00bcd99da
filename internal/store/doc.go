// Package store keeps the state: what is held of every call, and the outbox of
// events: those that the stream does not hold yet, and those that it has taken
// not long ago, should it lose them. Both live in one bbolt file, so that a call's
// new record and its events commit in one transaction: a crash leaves both or
// neither.
//
// The bucket tree, version 2:
//
//	meta                    schema    the version of this tree
//	                        id        the store id, first part of every event id
//	                        former    the ids it had before it was restored from copies, as JSON
//	                        baseline  "done" once the first discovery was taken in, empty before
//	                        source    a Source, as JSON
//	                        batches   census of the info and census records of all batches
//	                        parked    census of the parked events
//	                        relay     census of the bucket relay
//	batches
//	  <batch id>            info      a Batch, as JSON
//	                        census    census of its calls
//	    calls               <reference id>  a Call, in binary
//	outbox                  <sequence, 8 bytes>  an event, in the order of commit, also for a
//	                        while after it was relayed; nothing where it was parked
//	parked                  <sequence, 8 bytes>  a Parked and its event
//	relay                   note      the relay's own, of where in the stream it is
//	                        relayed   the sequence of the newest event that the stream holds
//	                        dropped   the sequence of the newest event that left the outbox
//	                        marks     by when which events had been relayed, each a sequence
//	                                  and seconds since 1970, 8 bytes each
//	                        place/<sink>  where in the stream the sink starts, its own
//
// Every value starts with a CRC-32C over its place in the tree, its key and the
// rest of it, since bbolt does not notice a flipped bit. A census is a number of
// records and the sum of their checksums, so that none can go missing, or go back
// to what it was. Open checks all of this, and before it that each page of the
// file is in use once or free. A tree of an older version is brought to this one
// by Open, after a copy of the file was made beside it.
//
// Before each commit the open file is compared with the one at its path: bbolt
// would go on with a file that was removed, and what it commits would be lost. A
// file takes the place of another (a new state, a compaction, a restore) under the
// lock, by a link or a rename and a sync of the folder, so that there is a whole
// state at the path at every moment.
//
// Nothing outside this package may know that the state is in bbolt. The
// package does not compare, number or publish anything, and does not decide
// what is an event.
package store
