//go:build nosync

package natsd

// syncAlways is off in a build that loses events in a power cut. It is there for
// the tests of power cuts alone, which must find that out.
const syncAlways = false
