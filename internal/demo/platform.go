package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

// Credentials of the simulated services, which exist on loopback for a minute.
const (
	demoKey     = "demo-key"
	demoToken   = "xoxb-demo-token"
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

// platform is the simulated one, and what is known of its batches.
type platform struct {
	*server
	sim       *simulator.Simulator
	campaigns []int64

	mu      sync.Mutex
	batches []string
	ended   bool
	reads   map[string]int // lists of results answered since the end, by batch
}

func openPlatform(o Options) (*platform, error) {
	p := &platform{
		sim: simulator.New(simulator.Options{
			Seed: o.Seed, Speed: speed, APIKey: demoKey,
			// The platform's clock is to catch up with ours, not to run ahead.
			Start: time.Now().Add(-head),
		}),
		reads: map[string]int{},
	}
	for _, name := range []string{"Appointment reminders", "After-visit survey"} {
		p.campaigns = append(p.campaigns, p.sim.AddCampaign(simulator.Campaign{
			Name: name, HourlyRate: 450, RetryCount: 1, RetryInterval: 2 * time.Minute,
		}))
	}
	var err error
	p.server, err = serve(http.HandlerFunc(p.answer), o.Log)
	return p, err
}

// answer also notes which batches were read since the calls ended.
func (p *platform) answer(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	counts := p.ended
	p.mu.Unlock()
	p.sim.Handler().ServeHTTP(w, r)
	path, isResults := strings.CutSuffix(r.URL.Path, "/results")
	if counts && isResults {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.reads[path[strings.LastIndexByte(path, '/')+1:]]++
	}
}

// callsPerBatch makes two batches whose insights Slack takes, one message a
// second, within the time that the calls take.
const callsPerBatch = 28

// launch creates two batches, named after now.
func (s *stage) launch() error {
	p := s.platform
	stamp := time.Now().UTC().Format("20060102.150405")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = false
	for i, name := range []string{"reminders", "survey"} {
		id := name + "." + stamp
		err := p.sim.CreateBatch(simulator.NewBatch{ID: id, CampaignID: p.campaigns[i], Calls: callsPerBatch})
		if err != nil {
			return err
		}
		p.batches = append(p.batches, id)
		s.show.note(fmt.Sprintf("New batch %s with %d calls.", id, callsPerBatch))
	}
	return nil
}

func (p *platform) finished() bool { return p.sim.Progress(p.ids()...).Open == 0 }

func (p *platform) ids() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.batches)
}

// markEnd says that nothing will change any more.
func (p *platform) markEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	clear(p.reads)
}

// readSinceEnd says whether every batch was read since the end, and what was
// read was taken in: the daemon never asks for a batch while it is still
// taking in the answer before.
func (p *platform) readSinceEnd() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range p.batches {
		if p.reads[id] < 2 {
			return false
		}
	}
	return true
}

// lives returns what really happened to every call.
func (p *platform) lives() []audit.Life {
	var all []audit.Life
	for _, id := range p.ids() {
		calls, _ := p.sim.Truth(id)
		for _, c := range calls {
			all = append(all, audit.Life{Batch: id, Reference: c.ReferenceID, Fields: map[event.Field][]*string{
				event.FieldRequestStatus:  values(c.RequestStatus),
				event.FieldChannelStatus:  values(c.ChannelManagerStatus),
				event.FieldInsightsStatus: values(c.InsightsStatus),
			}})
		}
	}
	return all
}

func values(past []simulator.Moment) []*string {
	all := make([]*string, len(past))
	for i, m := range past {
		all[i] = m.Value
	}
	return all
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
