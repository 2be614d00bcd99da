package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
)

const (
	// speed is simulated seconds per real second: a campaign of a quarter of
	// an hour takes three quarters of a minute.
	speed = 20
	// pollInterval in real time; at that speed 10 simulated seconds.
	pollInterval = 500 * time.Millisecond
	// tick is how often progress is shown and looked at.
	tick = 250 * time.Millisecond
	// settleTimeout bounds the wait, once all calls have ended, for what is
	// still on its way to the stream and to Slack.
	settleTimeout = 90 * time.Second
)

// Options of a run.
type Options struct {
	// DataDir takes a new folder for the state of this run, which is kept;
	// empty: a temporary folder that is removed.
	DataDir string
	// HTTPAddr and NATSListen are where the daemon listens; free ports are
	// taken where these are taken.
	HTTPAddr, NATSListen string
	// HTTPToken and NATSToken are what the daemon asks for there.
	HTTPToken, NATSToken config.Secret
	// Seed decides what happens to the calls.
	Seed uint64
	// Forever starts campaign after campaign until ctx ends.
	Forever bool
	// Progress takes what people see while it runs.
	Progress io.Writer
	// Terminal says that Progress is one, Width its columns.
	Terminal bool
	Width    int
	Version  string
	Log      *slog.Logger
}

// errStopped says that ctx ended first.
var errStopped = errors.New("stopped before the end")

// Run runs the demo and returns what came of it. A Summary whose check failed
// is no error; ending ctx is none either, and leaves Summary.Checked false.
func Run(ctx context.Context, o Options) (Summary, error) {
	remove, err := o.makeDir()
	if err != nil {
		return Summary{}, err
	}
	defer remove()
	s, err := open(ctx, o)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return Summary{Problems: []string{}}, nil // stopped before it began
	}
	if err != nil {
		return Summary{}, err
	}
	defer s.close()
	err = s.run(ctx)
	if err != nil && !errors.Is(err, errStopped) {
		return Summary{}, err
	}
	return s.summary(err == nil), nil
}

// makeDir makes a folder that no daemon and no other run uses: their events
// would be told to the demo's Slack, and so never to theirs.
func (o *Options) makeDir() (remove func(), err error) {
	if o.DataDir != "" {
		if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp(o.DataDir, "notifier-demo-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if o.DataDir != "" {
		remove = func() {}
	}
	o.DataDir = dir
	return remove, nil
}

// daemonConfig is the configuration that a user would write down in variables.
func daemonConfig(o Options, platformURL, slackURL string) config.Config {
	c := config.Default()
	c.SyllableURL = platformURL
	c.SyllableAPIKey = demoKey
	c.PollInterval = pollInterval
	c.DiscoveryInterval = time.Second
	c.DataDir = o.DataDir
	c.NATSListen, c.NATSToken = freeAddr(o.NATSListen), o.NATSToken
	if c.NATSListen == config.Off {
		c.NATSListen = "127.0.0.1:0" // the demo itself subscribes there
	}
	c.HTTPAddr, c.HTTPToken = freeAddr(o.HTTPAddr), o.HTTPToken
	// Whether the batches are there before the first look at them or come
	// after it is a matter of chance here, and must not matter.
	c.Baseline = config.BaselineEmit
	c.SlackToken = demoToken
	c.SlackChannel = demoChannel
	c.SlackAPIURL = slackURL
	return c
}

// freeAddr returns addr, or a free port of its host if it is taken.
func freeAddr(addr string) string {
	if addr == config.Off {
		return addr
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return addr // whoever listens says what is wrong with it
		}
		return net.JoinHostPort(host, "0")
	}
	_ = l.Close()
	return addr
}

// run plays one campaign, or one after the other.
func (s *stage) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	daemon := make(chan struct{})
	go func() {
		defer close(daemon)
		if err := s.app.Run(ctx); err != nil {
			cancel(err)
		}
	}()
	defer func() {
		cancel(nil)
		<-daemon
		s.watch.stop()
		s.show.close()
	}()
	s.announce()
	err := s.play(ctx)
	if errors.Is(err, context.Canceled) {
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			return cause // the daemon could not go on
		}
		return errStopped
	}
	return err
}

func (s *stage) play(ctx context.Context) error {
	if err := s.watch.start(ctx, s.app.NATSAddr(), s.o.NATSToken); err != nil {
		return err
	}
	for {
		if err := s.launch(); err != nil {
			return err
		}
		if err := s.until(ctx, 0, "", s.platform.Ended); err != nil {
			return err
		}
		if !s.o.Forever {
			break
		}
	}
	s.show.note("All calls have ended. Waiting for what is still on its way.")
	return s.until(ctx, settleTimeout, "the stream or Slack lags behind", s.settled)
}

// until shows progress until done, for at most limit unless that is 0. What
// has not settled by then shows in the check, so that late is no error here.
func (s *stage) until(ctx context.Context, limit time.Duration, late string, done func() bool) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	begun := time.Now()
	for {
		s.show.update(s.counts())
		if done() {
			return nil
		}
		if limit > 0 && time.Since(begun) > limit {
			s.show.note(fmt.Sprintf("Not waiting any longer: %s after %s.", late, limit))
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

func (s *stage) announce() {
	text := fmt.Sprintf(`Everything runs on this machine, %d times as fast as real calls:
  platform  %s  (simulated)
  events    nats://%s  (try: nats sub -s nats://%[3]s 'syllable.>')`, speed, s.platform.url, s.app.NATSAddr())
	if addr := s.app.HTTPAddr(); addr != "" {
		text += "\n  health    http://" + addr + "/readyz"
	}
	s.show.note(text + "\n  state     " + s.o.DataDir)
}

// settled says whether all that happened has arrived everywhere.
func (s *stage) settled() bool {
	select {
	case <-s.platform.Settled():
	default:
		return false
	}
	waiting, err := s.app.Waiting()
	return err == nil && waiting == 0 && s.watch.caughtUp() && s.slack.count() >= s.watch.completedInsights()
}

// stage is everything that takes part.
type stage struct {
	o        Options
	begun    time.Time
	platform *platform
	slack    *channel
	app      *app.App
	watch    *watcher
	show     reporter
	closers  []func()
}

// open starts the platform and Slack, and opens the daemon.
func open(ctx context.Context, o Options) (_ *stage, err error) {
	s := &stage{o: o, begun: time.Now(), watch: newWatcher(), show: newReporter(o)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.platform, err = openPlatform(o); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.platform.close)
	if s.slack, err = openChannel(o, s.show.message); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.slack.close)
	s.app, err = app.New(ctx, daemonConfig(o, s.platform.url, s.slack.url), o.Version, o.Log)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.app.Close)
	return s, nil
}

func (s *stage) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
	s.closers = nil
}
