// Package diff compares what is held of a call with what a poll saw of it,
// and names the transitions between the two. It is pure: the same two inputs
// always give the same transitions, in the same order.
//
// A transition is an observation, not a judgement: a status that goes
// backwards, repeats after another, or was never heard of is told as it is.
//
// The package does not read the platform's JSON, does not number or publish
// events, and does not notice calls that are absent: who does asks
// for [Removal].
package diff
