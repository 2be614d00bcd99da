//go:build race

package ingest_test

// underRace says that the race detector is on, which makes all of it ten times
// as slow.
const underRace = true
