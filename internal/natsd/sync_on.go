//go:build !nosync

package natsd

// syncAlways has the server sync what it stores before it acknowledges it.
const syncAlways = true
