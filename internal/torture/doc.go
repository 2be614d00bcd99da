// Package torture kills the daemon, as a process of its own, in all the ways that
// hurt, and judges from outside what became of its events: what the simulated
// platform really did, against the whole stream and the messages at Slack.
//
// A [World] is one data folder with a platform that never runs out of calls,
// with an embedded or an external server, and maybe with Slack. [World.Kill]
// starts the daemon and kills it, at random, at a point of package crashpoint,
// while it starts or while it stops; [World.Outage] takes the external server
// away for longer than the stream remembers ids. [World.Finish] lets the calls
// end, and gives the [Verdict]. A [Disk] is a file system whose power can be cut.
//
// The package does not look into the process that it kills, and does not know
// what the daemon would have to do: that is for package audit. It serves tests
// alone, and never becomes part of the product.
package torture
