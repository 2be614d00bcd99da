//go:build !nooutbox

package store

// outboxWrites has Append write events.
const outboxWrites = true
