package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/ingest"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/publish"
	"github.com/syllable-notifier/notifier/internal/publish/slack"
	"github.com/syllable-notifier/notifier/internal/recording"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
	"github.com/syllable-notifier/notifier/internal/verify"
)

// Names in the data folder.
const (
	stateFile    = "notifier.db"
	jetStreamDir = "jetstream"
)

// App is the daemon, opened but not running.
type App struct {
	cfg     config.Config
	log     *slog.Logger
	version string
	started time.Time

	store      *store.Store
	server     *natsd.Server // nil with an external NATS
	conn       *nats.Conn
	js         jetstream.JetStream
	platform   *syllable.Client
	poller     *fetch.Poller
	room       *room
	relay      *publish.Relay
	verifier   *verify.Verifier
	deliveries []*publish.Delivery
	slack      *slack.Sink  // nil where nothing goes to Slack
	listener   net.Listener // nil where HTTP is off
	// refusals are what an external NATS reports outside of any answer.
	refusals reports
	// unreached is why an external NATS could not be connected to.
	unreached reports
	// lookEvery is how often the embedded server is looked at.
	lookEvery time.Duration
	// privateToken is for private paths; "" where the settings have a token.
	privateToken string

	fatal   chan error // what ends the daemon by itself
	closers []func()   // last in, first out
}

// New opens the state, the stream's server or the connection to it, and the
// listeners. Whoever gets an App runs it or closes it. An error that wraps
// store.ErrLocked, store.ErrDamaged or store.ErrNewer is about the state.
func New(ctx context.Context, cfg config.Config, version string, log *slog.Logger) (*App, error) {
	a := &App{
		cfg: cfg, log: log, version: version, started: time.Now().UTC(),
		lookEvery: healthInterval, fatal: make(chan error, 1),
	}
	for _, open := range []func(context.Context) error{
		a.openStore, a.openNATS, a.openHTTP,
	} {
		if err := open(ctx); err != nil {
			a.Close()
			return nil, err
		}
	}
	if err := a.build(); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// Close lets go of what New opened. Run does it itself.
func (a *App) Close() {
	for len(a.closers) > 0 {
		last := len(a.closers) - 1
		a.closers[last]()
		a.closers = a.closers[:last]
	}
}

func (a *App) onClose(f func()) { a.closers = append(a.closers, f) }

func (a *App) openHTTP(context.Context) error {
	if a.cfg.HTTPAddr == config.Off {
		return nil
	}
	l, err := ops.Listen(a.cfg.HTTPAddr)
	if err != nil {
		return err
	}
	a.listener = l
	a.onClose(func() { _ = l.Close() }) // closed by Serve already, if it ran
	return a.makeToken()
}

// build makes the parts, which do nothing yet.
func (a *App) build() error {
	key := syllable.Key(a.cfg.SyllableAPIKey.Reveal())
	a.platform = syllable.New(a.cfg.SyllableURL, key, "notifier/"+a.version)
	a.onClose(a.platform.Close)
	if err := a.openRecording(); err != nil {
		return err
	}
	taker := ingest.New(a.store, ingest.Options{
		APIBase: a.cfg.SyllableURL,
		Silent:  a.cfg.Baseline == config.BaselineSilent,
		Settle:  settlePolls * a.cfg.PollInterval,
		Log:     a.log,
	})
	unfinished, err := taker.Unfinished()
	if err != nil {
		return err
	}
	outage, err := taker.Outage()
	if err != nil {
		return err
	}
	a.room = &room{limit: a.cfg.OutboxLimit, waiting: a.Waiting}
	a.poller = fetch.New(a.platform, guard{taker, a}, fetch.Options{
		Batches:    a.cfg.Batches,
		Campaigns:  a.cfg.Campaigns,
		Interval:   a.cfg.PollInterval,
		Discovery:  a.cfg.DiscoveryInterval,
		Settle:     settlePolls * a.cfg.PollInterval,
		Concurrent: a.cfg.MaxConcurrentRequests,
		Rate:       a.cfg.MaxRequestsPerSecond,
		Dir:        a.cfg.DataDir,
		Unfinished: unfinished,
		Outage:     outage,
		Herald:     herald{taker, a},
		Room:       a.room.check,
		Log:        a.log,
	})
	a.buildVerifier()
	if err := a.buildSinks(); err != nil {
		return err
	}
	return a.buildRelay()
}

// openRecording has all answers of the platform added to a file. One that cannot
// be opened is a mistake of the settings; that it cannot be written later ends
// nothing, since it is not what the daemon is for.
func (a *App) openRecording() error {
	if a.cfg.Recording == "" {
		return nil
	}
	f, err := os.OpenFile(a.cfg.Recording, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("NOTIFIER_RECORDING: %w", err)
	}
	a.onClose(func() { _ = f.Close() })
	// One that was there before may be open to others. A pipe or a device is none
	// of ours.
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Chmod(0o600); err != nil {
			return fmt.Errorf("NOTIFIER_RECORDING: %w", err)
		}
	}
	var once sync.Once
	a.platform.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &recording.Transport{Next: next, Writer: recording.NewWriter(f), Failed: func(err error) {
			once.Do(func() { a.log.Error("answers cannot be recorded", "error", err) })
		}}
	})
	a.log.Warn("all answers of the platform are recorded", "file", a.cfg.Recording)
	return nil
}

// settlePolls is for how many target intervals nothing may have changed before
// a batch counts as complete.
const settlePolls = 4

// fail makes Run return with the first error it is told.
func (a *App) fail(err error) {
	select {
	case a.fatal <- err:
	default:
	}
}

// HTTPAddr returns where HTTP is served, "" where it is off.
func (a *App) HTTPAddr() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// NATSAddr returns where the embedded server listens, "" where it does not.
func (a *App) NATSAddr() string {
	if a.server == nil {
		return ""
	}
	return a.server.Addr()
}

// Poller returns how the poller is doing.
func (a *App) Poller() fetch.Status { return a.poller.Status() }

// Waiting returns how many events are committed but not in the stream yet.
func (a *App) Waiting() (uint64, error) { return a.store.Pending() }

func (a *App) checks() []ops.Check {
	return []ops.Check{
		{Name: "nats", Ready: a.natsReady},
		{Name: "poll", Ready: a.poller.Ready},
		{Name: "outbox", Ready: a.room.check},
	}
}

func (a *App) natsReady() error {
	if err := a.connected(); err != nil {
		return err
	}
	if a.server != nil {
		if err := a.server.Healthy(); err != nil {
			return err
		}
	}
	return a.explain(a.relay.Ready())
}

func (a *App) connected() error {
	if a.conn.IsConnected() {
		return nil
	}
	err := a.conn.LastError()
	if at, unreached := a.unreached.last(); err == nil && !at.IsZero() {
		err = unreached
	}
	switch {
	case a.cfg.NATSURL == "" && err != nil:
		return fmt.Errorf("NATS is not connected: %w", err)
	case a.cfg.NATSURL == "":
		return errors.New("NATS is not connected")
	case err != nil:
		return fmt.Errorf("NATS is not connected, at %s (NOTIFIER_NATS_URL): %w", a.cfg.NATSURL, explainLogin(err))
	}
	return fmt.Errorf("NATS is not connected, at %s (NOTIFIER_NATS_URL)", a.cfg.NATSURL)
}
