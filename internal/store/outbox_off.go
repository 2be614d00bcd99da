//go:build nooutbox

package store

// outboxWrites is off in a build that loses all events. It is there for the
// tests that kill the process alone, which must find that out.
const outboxWrites = false
