// Command notifier turns the polled results of an outbound-calling platform
// into a durable, ordered stream of call events, and tells people about them.
// `notifier help` lists what it can do.
//
// The package reads flags, chooses formats and turns errors into exit codes.
// What the commands do is done elsewhere: it does not poll, keep or publish
// anything itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker in a release build.
var version string

func main() {
	os.Exit(run(withSignals(context.Background()), os.Args[1:], os.Stdout, os.Stderr))
}

// withSignals returns a context that ends with the first SIGINT or SIGTERM; a
// second one ends the process at once.
func withSignals(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitFailed)
	}()
	return ctx
}
