package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
	"github.com/syllable-notifier/notifier/internal/rehearsal"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

// Credentials of the simulated services, which exist on loopback for a minute.
const (
	demoKey     = "demo-key"
	demoToken   = "xoxb-demo-token" //nolint:gosec // of a simulated service
	demoChannel = "#call-summaries"
)

// head is how far behind ours the platform's clock starts: what it gains on it
// in two minutes.
const head = (speed - 1) * 2 * time.Minute

// server serves a handler on a free port of this machine.
type server struct {
	url    string
	cancel context.CancelFunc
	done   chan struct{}
}

func serve(h http.Handler, log *slog.Logger) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{url: "http://" + l.Addr().String(), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		if err := ops.Serve(ctx, l, h, log); err != nil {
			log.Error("a simulated service ended", "error", err)
		}
	}()
	return s, nil
}

func (s *server) close() {
	s.cancel()
	<-s.done
}

// platform is the simulated one, on its server.
type platform struct {
	*server
	*rehearsal.Platform
	campaigns []int64
}

func openPlatform(o Options) (*platform, error) {
	p := &platform{Platform: rehearsal.New(rehearsal.Options{Options: simulator.Options{
		Seed: o.Seed, Speed: speed, APIKey: demoKey,
		// The platform's clock is to catch up with ours, not to run ahead.
		Start: time.Now().Add(-head),
	}})}
	for _, name := range []string{"Appointment reminders", "After-visit survey"} {
		p.campaigns = append(p.campaigns, p.Sim.AddCampaign(simulator.Campaign{
			Name: name, HourlyRate: 450, RetryCount: 1, RetryInterval: 2 * time.Minute,
		}))
	}
	var err error
	p.server, err = serve(p.Platform, o.Log)
	return p, err
}

// callsPerBatch makes two batches whose insights Slack takes, one message a
// second, within the time that the calls take.
const callsPerBatch = 28

// launch creates two batches, named after now.
func (s *stage) launch() error {
	stamp := time.Now().UTC().Format("20060102.150405")
	for i, name := range []string{"reminders", "survey"} {
		n := simulator.NewBatch{
			ID: name + "." + stamp, CampaignID: s.platform.campaigns[i], Calls: callsPerBatch,
			// Long after its last call; an old batch is asked for more rarely.
			ExpiresOn: s.platform.Sim.Now().Add(time.Hour),
		}
		if err := s.platform.Sim.CreateBatch(n); err != nil {
			return err
		}
		s.show.note(fmt.Sprintf("New batch %s with %d calls.", n.ID, n.Calls))
	}
	return nil
}

// channel is the stand-in for Slack.
type channel struct {
	*server
	fake *slackfake.Fake

	mu    sync.Mutex
	posts []string // event ids, in the order of the posts
}

func openChannel(o Options, show func(slackfake.Message)) (*channel, error) {
	c := &channel{}
	c.fake = slackfake.New(slackfake.Options{
		Token: demoToken, Channels: []string{demoChannel},
		OnMessage: func(m slackfake.Message) {
			c.note(m)
			show(m)
		},
	})
	var err error
	c.server, err = serve(c.fake, o.Log)
	if err == nil {
		c.url += "/api/"
	}
	return c, err
}

func (c *channel) note(m slackfake.Message) {
	id := ""
	if m.Metadata != nil {
		id, _ = m.Metadata.EventPayload["event_id"].(string)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts = append(c.posts, id)
}

func (c *channel) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.posts)
}

func (c *channel) ids() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.posts)
}
