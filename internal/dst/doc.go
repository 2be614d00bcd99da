// Package dst is a deterministic simulation of the whole polling half: the
// simulated platform, the client, the poller, the differ, a real state file and the
// relay, up to a stream. It has tests only.
//
// All of it runs on one goroutine and on the clock of a bubble (testing/synctest),
// and all chance comes from one seed: what answers the platform gives, what is
// delayed, refused, lost or stored twice on the way to the stream, which commits the
// disk refuses, and when the process ends. So a seed is a whole life, which runs
// again exactly; a violation names its seed.
//
//	go test ./internal/dst -seeds 100000   as many lives
//	go test ./internal/dst -seed 42 -v     one of them, told step by step
//
// The oracle is package audit: it knows what really happened to every call, and
// reads the whole stream when everything is well again.
//
// The stream is a model, since a real server has goroutines and a clock of its own.
// What real servers do is tested in packages publish, natsd and app, and with real
// processes by make torture. The delivery half is not in it.
package dst
