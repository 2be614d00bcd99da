package app_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/natsd"
)

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// jetStreamAt returns a JetStream of a connection that ends with the test.
func jetStreamAt(t *testing.T, url string, options ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(testTimeout))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// notReady waits until the daemon is not ready, for a reason that says this.
func notReady(t *testing.T, a *app.App, reasons ...string) {
	t.Helper()
	var code int
	var body string
	defer func() {
		if t.Failed() {
			t.Logf("readyz %d: %s", code, body)
		}
	}()
	eventually(t, "it is not ready, and says: "+strings.Join(reasons, ", "), func() bool {
		code, body = get(t, a, "/readyz")
		for _, r := range reasons {
			if !strings.Contains(body, r) {
				return false
			}
		}
		return code == http.StatusServiceUnavailable
	})
}

func wantNoSecret(t *testing.T, log *logged, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Errorf("a secret is in the log: %s", log)
		}
	}
}

func ready(t *testing.T, a *app.App) {
	t.Helper()
	eventually(t, "it is ready", func() bool {
		code, _ := get(t, a, "/readyz")
		return code == http.StatusOK
	})
}

// At the limit of the embedded server's store events wait, and go on when there
// is room, with no restart.
func TestFault39LimitOfTheStore(t *testing.T) {
	t.Parallel()
	p, url := newPlatform(t, 60)
	c := settings(t, url)
	c.NATSMaxStore = 2 << 20
	log := &logged{}
	a, _ := beginWith(t, c, textLog(log), unchanged)
	ready(t, a)
	js := jetStreamAt(t, "nats://"+a.NATSAddr())
	other := jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}}
	if _, err := js.CreateStream(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	const half = 1 << 20
	for range 3 { // until it is refused
		if _, err := js.Publish(t.Context(), "other", make([]byte, half)); err != nil {
			break
		}
	}
	notReady(t, a, "NOTIFIER_NATS_MAX_STORE")
	await(t, p)
	if n, err := a.Waiting(); err != nil || n == 0 {
		t.Errorf("%d events wait, error %v; want some", n, err)
	}
	if err := js.DeleteStream(t.Context(), "OTHER"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outbox empties", relayed(a))
	ready(t, a)
	if strings.Contains(log.String(), "restarted") {
		t.Error("the server was restarted, which makes no room")
	}
	judge(t, "nats://"+a.NATSAddr(), "", p)
}

// The same for a stream of somebody else that discards what is new.
func TestFault39LimitOfTheStream(t *testing.T) {
	t.Parallel()
	server := external(t, natsd.Options{})
	js := jetStreamAt(t, server)
	have := jetstream.StreamConfig{
		Name: "SYLLABLE", Subjects: []string{"syllable.>"}, Discard: jetstream.DiscardNew, MaxBytes: 20_000,
		AllowAtomicPublish: true,
	}
	if _, err := js.CreateStream(t.Context(), have); err != nil {
		t.Fatal(err)
	}
	p, url := newPlatform(t, 60)
	c := settings(t, url)
	c.NATSURL = config.NATSURL(server)
	a, _ := begin(t, c)
	notReady(t, a, "raise the limit", "maximum bytes exceeded")
	await(t, p)
	have.MaxBytes = -1
	if _, err := js.UpdateStream(t.Context(), have); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outbox empties", relayed(a))
	ready(t, a)
	judge(t, server, "", p)
}
