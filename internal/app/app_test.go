package app_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
	"github.com/syllable-notifier/notifier/internal/rehearsal"
	"github.com/syllable-notifier/notifier/internal/simulator"
	"github.com/syllable-notifier/notifier/internal/store"
)

// nats-server leaves a goroutine for each batch that a full disk cut off, so the
// process that fills one looks for none.
func TestMain(m *testing.M) {
	if os.Getenv(inNamespace) != "" {
		os.Exit(m.Run())
	}
	// These tests mostly wait for something; as many at once as there are cores would
	// take minutes.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	// toxiproxy leaves what it moves bytes with when it cuts a connection.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
	)
}

// inNamespace names the variable that tells the test binary that it runs in a
// mount namespace of its own, where it may mount.
const inNamespace = "TEST_IN_NAMESPACE"

// testTimeout bounds what should happen soon, however slow the machine is.
const testTimeout = time.Minute

var quiet = slog.New(slog.DiscardHandler)

// newPlatform serves a platform with one batch whose dot matters.
func newPlatform(t *testing.T, calls int) (*rehearsal.Platform, string) {
	t.Helper()
	return newPlatformAt(t, calls, 5*time.Second)
}

// newQuickPlatform is for tests that need just some events.
func newQuickPlatform(t *testing.T) (*rehearsal.Platform, string) {
	t.Helper()
	return newPlatformAt(t, 5, time.Minute)
}

func newPlatformAt(t *testing.T, calls int, step time.Duration) (*rehearsal.Platform, string) {
	t.Helper()
	p := rehearsal.New(rehearsal.Options{Options: simulator.Options{Seed: 7, APIKey: "right"}, Step: step})
	id := p.Sim.AddCampaign(simulator.Campaign{HourlyRate: 3600, RetryCount: 1, RetryInterval: time.Minute})
	if err := p.Sim.CreateBatch(simulator.NewBatch{ID: "20260822.9", CampaignID: id, Calls: calls}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	return p, srv.URL
}

func settings(t *testing.T, platformURL string) config.Config {
	t.Helper()
	c := config.Default()
	c.SyllableURL, c.SyllableAPIKey = platformURL, "right"
	c.PollInterval, c.DiscoveryInterval = 100*time.Millisecond, 100*time.Millisecond
	c.Baseline = config.BaselineEmit
	c.DataDir = t.TempDir()
	c.NATSListen, c.HTTPAddr = "127.0.0.1:0", "127.0.0.1:0"
	return c
}

// begin opens and runs the daemon; stop ends it as SIGTERM does.
func begin(t *testing.T, c config.Config) (a *app.App, stop func()) {
	t.Helper()
	return beginWith(t, c, quiet, unchanged)
}

func unchanged(*app.App) {}

// beginWith is begin with a log, and with a change of what was opened.
func beginWith(t *testing.T, c config.Config, log *slog.Logger, change func(*app.App)) (a *app.App, stop func()) {
	t.Helper()
	a, err := app.New(t.Context(), c, "test", log)
	if err != nil {
		t.Fatal(err)
	}
	change(a)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return a, stop
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, testTimeout, what, ok)
}

func within(t *testing.T, timeout time.Duration, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(timeout); !ok(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func await(t *testing.T, p *rehearsal.Platform) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := p.Await(ctx); err != nil {
		t.Fatalf("the calls do not end, or are not read: %v", err)
	}
}

// judge reads the whole stream at a server and compares it with the truth.
func judge(t *testing.T, url, token string, p *rehearsal.Platform) audit.Report {
	t.Helper()
	return judgeLives(t, url, token, p.Lives())
}

func judgeLives(t *testing.T, url, token string, lives []audit.Life) audit.Report {
	t.Helper()
	return judgeLivesAs(t, url, lives, nats.Token(token))
}

// judgeAs is judge with another login.
func judgeAs(t *testing.T, url string, p *rehearsal.Platform, login ...nats.Option) audit.Report {
	t.Helper()
	return judgeLivesAs(t, url, p.Lives(), login...)
}

func judgeLivesAs(t *testing.T, url string, lives []audit.Life, login ...nats.Option) audit.Report {
	t.Helper()
	nc, err := nats.Connect(url, login...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	c, err := js.OrderedConsumer(t.Context(), "SYLLABLE", jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	it, err := c.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer it.Stop()
	auditor := audit.New("syllable")
	for left := c.CachedInfo().NumPending; left > 0; left-- {
		m, err := it.Next(jetstream.NextMaxWait(testTimeout))
		if err != nil {
			t.Fatal(err)
		}
		auditor.Add(m.Subject(), m.Headers(), m.Data())
	}
	auditor.Compare(lives)
	r := auditor.Report()
	for _, problem := range r.Problems {
		t.Error(problem)
	}
	return r
}

func relayed(a *app.App) func() bool {
	return func() bool {
		n, err := a.Waiting()
		return err == nil && n == 0
	}
}

func TestWholeChain(t *testing.T) {
	t.Parallel()
	const calls = 8
	p, url := newPlatform(t, calls)
	fake := slackfake.New(slackfake.Options{Token: "xoxb-test", Channels: []string{"#calls"}})
	slack := httptest.NewServer(fake)
	t.Cleanup(slack.Close)
	c := settings(t, url)
	c.SlackToken, c.SlackChannel, c.SlackAPIURL = "xoxb-test", "#calls", slack.URL+"/api/"
	a, stop := begin(t, c)
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	r := judge(t, "nats://"+a.NATSAddr(), "", p)
	if r.Calls != calls {
		t.Errorf("events of %d calls, want %d", r.Calls, calls)
	}
	completed := r.ByName["insights.completed"]
	if completed == 0 {
		t.Fatal("no insight was completed: this seed tests nothing")
	}
	eventually(t, "Slack has every completed insight", func() bool { return len(fake.Messages()) == completed })
	stop()
	if n := len(fake.Messages()); n != completed {
		t.Errorf("%d Slack messages, want %d", n, completed)
	}
}

// The stream's server goes away again and again while events come.
func TestExternalNATSThatRestarts(t *testing.T) {
	t.Parallel()
	const token = "canary-token"
	server, err := natsd.Start(t.Context(), natsd.Options{
		StoreDir: t.TempDir(), Listen: "127.0.0.1:0", Token: token, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	p, url := newPlatform(t, 60)
	c := settings(t, url)
	c.NATSURL, c.NATSToken = config.NATSURL("nats://"+server.Addr()), token
	a, _ := begin(t, c)
	if a.NATSAddr() != "" {
		t.Error("the embedded server runs as well")
	}
	for n := range 3 {
		eventually(t, "calls go on", func() bool {
			done := p.Sim.Progress()
			return done.Calls-done.Open > 15*(n+1)
		})
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	judge(t, "nats://"+server.Addr(), token, p)
}

// While NATS is away polling goes on, and what was seen is not lost: also when
// the daemon is stopped before NATS is back.
func TestEventsWaitForNATS(t *testing.T) {
	t.Parallel()
	server, err := natsd.Start(t.Context(), natsd.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	addr, dir := server.Addr(), t.TempDir()
	server.Stop()
	p, url := newPlatform(t, 20)
	c := settings(t, url)
	c.NATSURL = config.NATSURL("nats://" + addr)
	a, stop := begin(t, c)
	await(t, p)
	if n, err := a.Waiting(); err != nil || n == 0 {
		t.Errorf("%d events wait, error %v", n, err)
	}
	code, body := get(t, a, "/readyz")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "NATS is not connected") {
		t.Errorf("readyz %d: %s", code, body)
	}
	stop() // takes the ten seconds that it may
	server, err = natsd.Start(t.Context(), natsd.Options{StoreDir: dir, Listen: addr, Log: quiet})
	if err != nil {
		t.Skipf("the port was taken by another program meanwhile: %v", err)
	}
	t.Cleanup(server.Stop)
	a, _ = begin(t, c)
	eventually(t, "the outbox empties", relayed(a))
	judge(t, "nats://"+addr, "", p)
}

func get(t *testing.T, a *app.App, path string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.HTTPAddr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(text)
}

func TestReadyAfterTheFirstPoll(t *testing.T) {
	t.Parallel()
	_, url := newPlatform(t, 1)
	c := settings(t, url)
	c.SyllableAPIKey = "wrong"
	a, stop := begin(t, c)
	eventually(t, "only the poll is missing", func() bool {
		code, body := get(t, a, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, `"poll"`) && !strings.Contains(body, `"nats"`)
	})
	if code, _ := get(t, a, "/livez"); code != http.StatusOK {
		t.Errorf("livez %d", code)
	}
	stop()
	c.SyllableAPIKey = "right"
	a, _ = begin(t, c)
	eventually(t, "it is ready", func() bool {
		code, _ := get(t, a, "/readyz")
		return code == http.StatusOK
	})
}

func TestOneDaemonPerState(t *testing.T) {
	t.Parallel()
	_, url := newPlatform(t, 1)
	c := settings(t, url)
	begin(t, c)
	if _, err := app.New(t.Context(), c, "test", quiet); !errors.Is(err, store.ErrLocked) {
		t.Errorf("error %v, want that the state is in use", err)
	}
}

// What was opened before a failure is let go of.
func TestFailedStartLetsGo(t *testing.T) {
	t.Parallel()
	_, url := newPlatform(t, 1)
	c := settings(t, url)
	other, _ := begin(t, settings(t, url))
	for name, set := range map[string]func(*config.Config){
		"NOTIFIER_NATS_LISTEN": func(c *config.Config) { c.NATSListen = other.NATSAddr() },
		"NOTIFIER_HTTP_ADDR":   func(c *config.Config) { c.HTTPAddr = other.HTTPAddr() },
	} {
		bad := c
		set(&bad)
		if _, err := app.New(t.Context(), bad, "test", quiet); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one that names %s", err, name)
		}
	}
	begin(t, c)
}
