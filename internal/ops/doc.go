// Package ops is the daemon's HTTP side: what tells operators and their tools
// how it is doing.
//
//	GET /livez          200 while the process answers at all
//	GET /readyz         200 if every check passes, else 503 with the reasons
//	GET /healthz        the same as /readyz
//	GET /metrics        metrics for Prometheus
//	GET /api/v1/status  a Status as JSON; ?batch=ID limits it to one batch
//	GET /api/v1/verify  a Verification of ?batch=ID, or the ids of all batches
//	GET /api/v1/backup  a copy of the state (private)
//
// HEAD works wherever GET does. Other methods get 405, other paths 404.
//
// # Who may ask
//
// The health paths answer everybody, since probes carry no token. All else
// needs `Authorization: Bearer <token>` where a token is set, and gets 401
// without. Where none is set, the daemon listens on loopback, and programs on
// the same machine are trusted, but web pages are not: a page can point a name
// of its own at 127.0.0.1 and read what is there through the visitor's browser
// (DNS rebinding). Such a request still names the page's host, so on loopback
// every Host but localhost and loopback addresses gets 421. A token closes the
// same hole, and so allows any Host, as a proxy in front may need.
//
// A private path gives what other users of the machine may not have, such as phone
// numbers. It asks for a token in any case: where none is set, for one that the
// daemon makes at each start and keeps in a file that only its own user may read,
// as the state is.
//
// Whom the rules above turn away still learns from /readyz whether the daemon
// is ready, but not why not.
//
// # What it does not do
//
// It does not know what it checks and shows: checks, the status, who verifies and
// who copies are handed in. It does not encrypt, and does not decide whether an
// address may be open to the network. It never writes to the state, and only the
// answers of private paths hold call data, but that a Verification names the calls
// that have problems by their reference ids and statuses.
package ops
