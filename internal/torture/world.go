package torture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

// What the daemon's defaults are.
const (
	prefix     = "syllable"
	streamName = "SYLLABLE"
)

// window is how long the stream of an external server remembers ids: less than
// the two minutes that the daemon gives its own, so that an outage can be longer.
const window = time.Second

var quiet = slog.New(slog.DiscardHandler)

// Options of a World.
type Options struct {
	// Bin is the command, built with the tag crashpoints.
	Bin string
	// Dir is an empty folder, in which the daemon's data and the external
	// server's are.
	Dir  string
	Seed uint64
	// Slack has completed insights go to Slack.
	Slack bool
	// External has the daemon use a server that is not its own; Single that its
	// stream takes no atomic batches.
	External, Single bool
	// Patience is how long all calls may take to be told in the end.
	Patience time.Duration
}

// World is one data folder with all that is around it.
type World struct {
	o        Options
	Platform *Platform
	Journal  *Journal
	// Data is the daemon's folder.
	Data string
	// Recorder, where set, has seen the stream while it was filled.
	Recorder *Recorder

	fake    *slackfake.Fake // nil without Slack
	slack   *http.Server
	slackAt string
	nats    *natsd.Server // nil without an external server, and in an outage
	natsAt  string
}

// NewWorld serves all that is around a daemon. Who gets a world closes it.
func NewWorld(ctx context.Context, o Options) (*World, error) {
	w := &World{o: o, Data: filepath.Join(o.Dir, "data"), Journal: &Journal{told: map[string]uint64{}}}
	for _, open := range []func(context.Context) error{w.openPlatform, w.openSlack, w.openNATS} {
		if err := open(ctx); err != nil {
			w.Close()
			return nil, err
		}
	}
	return w, nil
}

// Close ends all that is around the daemon, which must have ended.
func (w *World) Close() {
	if w.Platform != nil {
		w.Platform.Close()
	}
	if w.slack != nil {
		_ = w.slack.Close()
	}
	if w.nats != nil {
		w.nats.Stop()
	}
}

func (w *World) openPlatform(context.Context) (err error) {
	w.Platform, err = NewPlatform(w.o.Seed, w.o.Slack)
	return err
}

func (w *World) openSlack(context.Context) error {
	if !w.o.Slack {
		return nil
	}
	// No limit: each of the processes keeps to it, but they do not know of each
	// other.
	w.fake = slackfake.New(slackfake.Options{Burst: -1})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.slackAt = "http://" + l.Addr().String() + "/api/"
	w.slack = &http.Server{Handler: w.fake, ReadHeaderTimeout: time.Minute}
	go func() { _ = w.slack.Serve(l) }() // until Close
	return nil
}

// openNATS starts an external server, with a stream that forgets ids early.
func (w *World) openNATS(ctx context.Context) error {
	if !w.o.External {
		return nil
	}
	if err := w.startNATS(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	w.natsAt = w.nats.Addr()
	return w.withStream(ctx, func(js jetstream.JetStream) error {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: streamName, Subjects: []string{prefix + ".>"}, Duplicates: window,
			AllowDirect: true, AllowAtomicPublish: !w.o.Single,
		})
		return err
	})
}

func (w *World) startNATS(ctx context.Context, listen string) (err error) {
	w.nats, err = natsd.Start(ctx, natsd.Options{
		StoreDir: filepath.Join(w.o.Dir, "external"), Listen: listen, Log: quiet,
	})
	return err
}

// withStream runs fn with a connection to the external server.
func (w *World) withStream(ctx context.Context, fn func(jetstream.JetStream) error) error {
	return with(ctx, "nats://"+w.nats.Addr(), fn)
}

func with(_ context.Context, url string, fn func(jetstream.JetStream) error) error {
	nc, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	return fn(js)
}

// Start starts the daemon on the world's data, with more variables.
func (w *World) Start(ctx context.Context, more ...string) (*Process, error) {
	env := []string{
		"NOTIFIER_SYLLABLE_URL=" + w.Platform.URL, "NOTIFIER_SYLLABLE_API_KEY=any", "NOTIFIER_BASELINE=emit",
		"NOTIFIER_POLL_INTERVAL=100ms", "NOTIFIER_DISCOVERY_INTERVAL=100ms",
		"NOTIFIER_MAX_REQUESTS_PER_SECOND=1000", "NOTIFIER_MAX_CONCURRENT_REQUESTS=8",
		"NOTIFIER_DATA_DIR=" + w.Data, "NOTIFIER_NATS_LISTEN=127.0.0.1:0", "NOTIFIER_HTTP_ADDR=off",
		"NOTIFIER_LOG_FORMAT=json",
	}
	if w.o.External {
		env = append(env, "NOTIFIER_NATS_URL=nats://"+w.natsAt)
	}
	if w.o.Slack {
		env = append(env, "NOTIFIER_SLACK_TOKEN=xoxb-test", "NOTIFIER_SLACK_CHANNEL=#calls",
			"NOTIFIER_SLACK_API_URL="+w.slackAt)
	}
	return start(ctx, w.o.Bin, append(env, more...), w.Journal)
}

// stopTimeout is longer than an orderly stop may take.
const stopTimeout = 15 * time.Second

// stop ends the daemon as SIGTERM does.
func (w *World) stop(p *Process) {
	p.Signal(os.Interrupt)
	if !p.EndsWithin(stopTimeout) {
		w.Journal.Problem("the daemon does not stop when it is asked to")
		p.Kill()
		return
	}
	if p.killed() {
		w.Journal.Problem("somebody else has killed the daemon")
	}
}

// Finish lets all calls end, and all of it be told, and judges.
func (w *World) Finish(ctx context.Context) (Verdict, error) {
	p, err := w.Start(ctx)
	if err != nil {
		return Verdict{}, err
	}
	defer p.Kill()
	at, err := p.Running(ctx)
	if err != nil {
		w.Journal.Problem("%v", err)
		return Verdict{Problems: w.Journal.Problems()}, nil
	}
	url := "nats://" + at.NATS
	if w.o.External {
		url = "nats://" + w.natsAt
	}
	var messages []Message
	err = with(ctx, url, func(js jetstream.JetStream) (err error) {
		w.settle(ctx, js)
		messages, err = readStream(ctx, js)
		return err
	})
	w.stop(p)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return Verdict{}, err
	}
	v := judge(messages, w.Platform.Lives())
	if w.o.Slack {
		v.judgeSlack(messages, w.fake.Messages())
	}
	if w.Recorder != nil {
		gone := w.Recorder.Compare(messages)
		v.Lost += len(gone)
		v.Problems = append(v.Problems, gone...)
	}
	v.Problems = append(v.Problems, w.Journal.Problems()...)
	return v, nil
}

// settledLooks is how many lists of batches must have been asked for since the
// last of the calls has ended: a batch that was found complete too early is
// reopened by one of them.
const settledLooks = 10

// settle waits until all calls have ended and all batches are complete by their
// events, and then until Slack has caught up. That this takes too long is a
// problem.
func (w *World) settle(ctx context.Context, js jetstream.JetStream) {
	ctx, cancel := context.WithTimeout(ctx, w.o.Patience)
	defer cancel()
	var err error
	wait := func(what string, ok func() bool) {
		if err == nil && !until(ctx, ok) {
			err = fmt.Errorf("waited %s in vain: %s", w.o.Patience, what)
			w.Journal.Problem("%v", err)
		}
	}
	wait("all calls end", w.Platform.Ended)
	looks := w.Platform.looks.Load()
	wait("the daemon looks for batches", func() bool { return w.Platform.looks.Load() >= looks+settledLooks })
	wait("all batches are complete", func() bool {
		completed, reopened := count(ctx, js, event.BatchCompleted), count(ctx, js, event.BatchReopened)
		return completed-reopened == len(w.Platform.Sim.Batches())
	})
	if w.o.Slack {
		wait("Slack has all completed insights", func() bool {
			return w.posted() >= count(ctx, js, event.InsightsCompleted)
		})
	}
}

// posted returns how many events Slack has a message of.
func (w *World) posted() int {
	told := map[string]bool{}
	for _, m := range w.fake.Messages() {
		told[eventOf(m)] = true
	}
	return len(told)
}

// slackLags says whether more insights were completed than Slack was told of. It
// takes one message a second.
func (w *World) slackLags() bool {
	return w.o.Slack && w.posted() < w.Platform.Sim.Progress().InsightsStatus["COMPLETED"]
}

// count returns how many events of that name the stream holds.
func count(ctx context.Context, js jetstream.JetStream, name string) int {
	s, err := js.Stream(ctx, streamName)
	if err != nil {
		return 0
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(prefix+"."+name+".>"))
	if err != nil {
		return 0
	}
	n := uint64(0)
	for _, messages := range info.State.Subjects {
		n += messages
	}
	return int(n)
}

// until looks again and again whether something is so, until ctx ends.
func until(ctx context.Context, ok func() bool) bool {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
