// Package app puts the parts together: it opens the state, then the server or
// the connection that holds the stream, runs the polling half and the delivery
// half beside each other, and ends both in order. It is the one package that
// knows everyone.
//
// The order of the start matters: the lock of the state file also guards the
// embedded server's folder, which that server does not lock itself. The order
// of the stop matters as well: first nothing more is asked, then what was
// committed is published, then deliveries end, and the state is closed last.
//
// The package does not read the environment, does not write to a terminal, and
// does not decide anything about calls or events.
package app
