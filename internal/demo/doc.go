// Package demo runs the whole product with no account and no set-up: the
// simulated platform, the daemon itself with its embedded NATS server, and a
// stand-in for Slack, all on loopback. It shows what happens while it happens,
// and in the end checks the stream as an outside subscriber would, against
// what the simulated platform really did.
//
// Nothing in the daemon knows that it is a demo: it polls over HTTP, keeps its
// state in a file, publishes to a real stream and posts to a real API.
//
// The package does not read the environment and does not talk to anything
// outside this machine.
package demo
