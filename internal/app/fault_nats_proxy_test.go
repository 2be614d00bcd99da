package app_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/natsd"
)

var (
	proxyCuts = flag.Int("proxy.cuts", 3, "how often the connection to NATS is cut")
	proxySeed = flag.Uint64("proxy.seed", 1, "what decides where it is cut")
)

// between is what lies between the daemon and a NATS server.
type between struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

func newBetween(t *testing.T, upstream string) *between {
	t.Helper()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := toxiproxy.NewProxy(api, "nats", "127.0.0.1:0", strings.TrimPrefix(upstream, "nats://"))
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return &between{t, p}
}

func (b *between) url() config.NATSURL { return config.NATSURL("nats://" + b.proxy.Listen) }

// toxic is a way to spoil what goes through.
type toxic struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Stream     string         `json:"stream"` // upstream: to the server
	Attributes map[string]any `json:"attributes"`
}

func (b *between) add(tx toxic) {
	b.t.Helper()
	tx.Name = tx.Type + "-" + tx.Stream
	text, err := json.Marshal(tx)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.proxy.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
		b.t.Fatal(err)
	}
}

// cut ends the connection somewhere in the next bytes of one direction, or with a
// reset, or after silence.
func cut(r *rand.Rand) toxic {
	switch r.IntN(5) {
	case 0: // most of what the daemon is told are acks
		return toxic{Type: "limit_data", Stream: "downstream", Attributes: map[string]any{"bytes": r.IntN(400)}}
	case 1:
		return toxic{Type: "limit_data", Stream: "upstream", Attributes: map[string]any{"bytes": r.IntN(20_000)}}
	case 2:
		return toxic{Type: "reset_peer", Stream: "downstream", Attributes: map[string]any{"timeout": r.IntN(20)}}
	case 3:
		return toxic{Type: "reset_peer", Stream: "upstream", Attributes: map[string]any{"timeout": r.IntN(20)}}
	default: // what is acknowledged meanwhile is never heard of
		return toxic{Type: "timeout", Stream: "downstream", Attributes: map[string]any{"timeout": 50 + r.IntN(100)}}
	}
}

// streamThatForgets makes a stream that hardly remembers ids, so that nothing but
// the daemon's own look prevents doubles, and returns its server's URL.
func streamThatForgets(t *testing.T, atomic bool) string {
	t.Helper()
	url := external(t, natsd.Options{})
	if _, err := jetStreamAt(t, url).CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "SYLLABLE", Subjects: []string{"syllable.>"}, Duplicates: 100 * time.Millisecond, AllowAtomicPublish: atomic,
	}); err != nil {
		t.Fatal(err)
	}
	return url
}

// The connection is cut again and again, between publishes and their acks too:
// each event is stored once, in order.
func TestFault36AckLost(t *testing.T) {
	t.Parallel()
	for _, atomic := range []bool{true, false} {
		t.Run(fmt.Sprintf("atomic batches %v", atomic), func(t *testing.T) {
			t.Parallel()
			server := streamThatForgets(t, atomic)
			link := newBetween(t, server)
			p, url := newPlatform(t, 50**proxyCuts)
			c := settings(t, url)
			c.NATSURL, c.PollInterval = link.url(), 500*time.Millisecond // calls go on for all the cuts
			log := &logged{}
			a, _ := beginWith(t, c, textLog(log), unchanged)
			ready(t, a)
			r := rand.New(rand.NewPCG(*proxySeed, 36))
			cuts, kinds := 0, map[string]int{}
			for ; cuts < *proxyCuts && !p.Ended(); cuts++ {
				tx := cut(r)
				kinds[tx.Type]++
				cutOnce(t, link, a, tx, r)
			}
			await(t, p)
			eventually(t, "the outbox empties", relayed(a))
			report := judge(t, server, "", p)
			lost := strings.Count(log.String(), "connected to NATS again")
			t.Logf("%d events of %d calls, %d cuts %v, %d reconnects", report.Events, report.Calls, cuts, kinds, lost)
			if cuts < min(*proxyCuts, 2) || lost == 0 {
				t.Errorf("%d cuts, %d reconnects: this tests too little", cuts, lost)
			}
		})
	}
}

// cutOnce lets some events flow, spoils the connection until it is lost, and
// waits until the daemon has another one.
func cutOnce(t *testing.T, link *between, a *app.App, tx toxic, r *rand.Rand) {
	t.Helper()
	pause := time.NewTimer(time.Duration(r.IntN(200)) * time.Millisecond) // where in the flow, is up to the seed
	<-pause.C
	link.add(tx)
	notReady(t, a, "")
	link.proxy.Toxics.ResetToxics(t.Context())
	ready(t, a)
}

// A connection that is slow and comes in pieces changes nothing but the time.
func TestFault36SlowConnection(t *testing.T) {
	t.Parallel()
	server := streamThatForgets(t, true)
	link := newBetween(t, server)
	for _, direction := range []string{"upstream", "downstream"} {
		link.add(toxic{Type: "latency", Stream: direction, Attributes: map[string]any{"latency": 30, "jitter": 30}})
		link.add(toxic{Type: "slicer", Stream: direction, Attributes: map[string]any{
			"average_size": 200, "size_variation": 150, "delay": 10,
		}})
	}
	p, url := newPlatform(t, 40)
	c := settings(t, url)
	c.NATSURL = link.url()
	a, _ := begin(t, c)
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	judge(t, server, "", p)
}
