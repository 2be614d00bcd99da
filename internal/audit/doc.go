// Package audit judges a stream of events as an outside reader does who has
// nothing but the messages and the contract. [Auditor.Add] checks each message
// to the letter, and that the events of each call, of each batch and of the
// source make an unbroken chain; [Auditor.Compare] checks the chains against what really happened,
// where somebody knows. Each fault is one sentence in the [Report], and one
// fault gives one sentence as far as it can be told from its consequences.
//
// Of each call it keeps its revision, its last values and the values its
// events told: some hundred bytes, however large the events are.
//
// The sums in a manifest are compared with the events of the calls before it. What
// the stream cannot tell, since it was recorded silently or cannot be read, the
// manifest may have more of; less than the stream tells it never has. The loss of
// the newest event of a batch itself or of the source cannot be noticed.
//
// An Auditor of [NewHeld] judges the events of one batch against what the state
// holds of it, as package verify does for operators: it knows which revisions
// there must be, leaves what is newer, what is of other state files and what has
// aged out of the stream, and says where something is missing.
//
// The package does not talk to NATS, and does not read a stream, the state or
// the simulator: messages, lives and records are handed to it. It does not repair
// anything. An Auditor of [New] judges the events of one state file: a second
// store id in the stream is a fault to it. It does not judge a stream whose
// beginning is gone.
package audit
