package app

import (
	"context"
	"time"

	"github.com/syllable-notifier/notifier/internal/ops"
)

// stopTimeout bounds an orderly stop.
const stopTimeout = 10 * time.Second

// Run polls, publishes and delivers until ctx ends, then stops in order and
// closes. It returns nil then, and otherwise what made it impossible to go on.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	// What is under way may go on for a while after ctx ends.
	hard, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()

	// Nobody commits after the poller has ended, nobody publishes after the
	// relay has, and the deliveries have then seen all there is to see.
	parts := []*part{
		start(hard, a.poller.Run),
		start(hard, func(ctx context.Context) {
			if err := a.relay.Run(ctx, hard); err != nil {
				a.fail(err)
			}
		}),
	}
	for _, d := range a.deliveries {
		parts = append(parts, start(hard, func(ctx context.Context) {
			if err := d.Run(ctx, hard); err != nil {
				a.fail(err)
			}
		}))
	}
	parts = append(parts, start(hard, a.serve), start(hard, a.upkeep),
		start(hard, func(ctx context.Context) { a.keepState(ctx, a.store) }))
	if a.cfg.AuditInterval > 0 {
		parts = append(parts, start(hard, a.verifier.Run))
	}
	if a.slack != nil {
		parts = append(parts, start(hard, a.checkSlack))
	}
	if a.server != nil {
		server := embedded{a.server, a.relay.Ready}
		parts = append(parts, start(hard, func(ctx context.Context) { a.supervise(ctx, server, a.lookEvery) }))
	}
	if n := a.store.ParkedCount(); n > 0 {
		a.log.Warn("events are parked: they could not be published or delivered", "events", n)
	}
	a.log.Info("running", "stream", a.cfg.NATSStream, "nats", a.NATSAddr(), "http", a.HTTPAddr())

	var fatal error
	select {
	case <-ctx.Done():
		a.log.Info("stopping: what is under way is finished first", "at_most", stopTimeout)
	case fatal = <-a.fatal:
		a.log.Error("stopping: the daemon cannot go on", "error", fatal)
	}
	late := time.AfterFunc(stopTimeout, abort)
	defer late.Stop()
	for _, p := range parts {
		p.end()
	}
	if fatal == nil {
		select {
		case fatal = <-a.fatal: // found while stopping
			a.log.Error("the daemon could not stop cleanly", "error", fatal)
		default:
		}
	}
	if n, err := a.Waiting(); err == nil && n > 0 {
		a.log.Warn("events wait in the state for the next start", "events", n)
	}
	a.log.Info("stopped")
	return fatal
}

// serve answers on the HTTP side until ctx ends.
func (a *App) serve(ctx context.Context) {
	if a.listener == nil {
		return
	}
	handler := ops.Handler(ops.Options{
		Checks: a.checks(), Token: a.cfg.HTTPToken.Reveal(), Status: a.status, Verifier: verifications{a},
		PrivateToken: a.privateToken, Backup: a.backup,
	})
	if err := ops.Serve(ctx, a.listener, handler, a.log); err != nil {
		a.fail(err)
	}
}

// checkSlack tells at the start what would otherwise show hours later, with the
// first summary.
func (a *App) checkSlack(ctx context.Context) {
	if err := a.slack.Check(ctx); err != nil && ctx.Err() == nil {
		a.log.Warn("Slack does not take messages; summaries will wait in the stream", "error", err)
	}
}

// part is a goroutine that can be ended by itself.
type part struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func start(ctx context.Context, run func(context.Context)) *part {
	ctx, cancel := context.WithCancel(ctx)
	p := &part{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		run(ctx)
	}()
	return p
}

// end asks the goroutine to end and waits until it has.
func (p *part) end() {
	p.cancel()
	<-p.done
}
