package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/rehearsal"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

// TestKilledAtRandom kills the daemon again and again while calls are placed,
// as `kill -9` does, and starts it again on what is left. The judge stands
// outside: it knows what the platform really did, and reads the whole stream.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be asked to stop by a signal on Windows")
	}
	const (
		kills    = 12
		maxDelay = 40 * time.Millisecond
	)
	p := newKillPlatform(t, 4*time.Second)
	d := &killDaemon{t: t, url: p.url, dir: t.TempDir()}

	for n := range kills {
		// Anything from the first moment of a process to well into its life.
		p.left.Store(1 + rand.Int64N(8))
		d.start()
		select {
		case <-p.sprung:
		case <-time.After(time.Minute):
			t.Fatalf("start %d: the platform was not asked", n)
		}
		// What is done with an answer takes some milliseconds: the kill may
		// come at any of them.
		<-time.After(time.Duration(rand.Int64N(int64(maxDelay))))
		d.kill()
	}
	d.start()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := p.Await(ctx); err != nil {
		t.Fatalf("the calls do not end, or are not read: %v", err)
	}
	d.stop()
	r := d.judge(p)
	t.Logf("%d events of %d calls over %d kills", r.Events, r.Calls, kills)
}

// judge compares the whole stream of a daemon that has ended with the truth.
func (d *killDaemon) judge(p *killPlatform) audit.Report {
	d.t.Helper()
	a := audit.New("syllable")
	readStream(d.t, filepath.Join(d.dir, "jetstream"), func(m *jetstream.RawStreamMsg) {
		a.Add(m.Subject, withoutAdded(m.Header), m.Data)
	})
	a.Compare(p.Lives())
	r := a.Report()
	for _, problem := range r.Problems {
		d.t.Error(problem)
	}
	if r.Calls != 2*killCalls {
		d.t.Errorf("events of %d calls, want %d", r.Calls, 2*killCalls)
	}
	return r
}

// TestCompletedOnceWhenKilled kills the daemon while its batches settle, so that
// the kills fall around the moment in which they are told to be complete. The
// judge compares the sums that are told with the stream.
func TestCompletedOnceWhenKilled(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be asked to stop by a signal on Windows")
	}
	const (
		kills = 12
		life  = 900 * time.Millisecond // about two of the times in which a batch settles
		lists = 8                      // after the last kill: enough to settle for good
	)
	p := newKillPlatform(t, time.Minute)
	d := &killDaemon{t: t, url: p.url, dir: t.TempDir()}
	for range kills {
		d.start()
		<-time.After(time.Duration(rand.Int64N(int64(life))))
		d.kill()
	}
	d.start()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := p.Await(ctx); err != nil {
		t.Fatalf("the calls do not end, or are not read: %v", err)
	}
	enough := p.lists.Load() + 2*lists
	err := until(ctx, func(context.Context) (bool, error) {
		return p.lists.Load() >= enough, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d.stop()
	r := d.judge(p)
	t.Logf("%d events, %d completed, %d reopened over %d kills", r.Events, r.ByName["batch.completed"],
		r.ByName["batch.reopened"], kills)
	if n := r.ByName["batch.completed"] - r.ByName["batch.reopened"]; n != 2 {
		t.Errorf("%d batches are complete by their events, want 2", n)
	}
}

// killCalls is how many calls each of the two batches has.
const killCalls = 60

// killPlatform is the simulated platform behind a trap that goes off with one
// of the next lists that are asked for.
type killPlatform struct {
	*rehearsal.Platform
	url    string
	sprung chan struct{}
	left   atomic.Int64 // lists until the trap goes off; less than 1: it is not set
	lists  atomic.Int64 // that were asked for
}

func newKillPlatform(t *testing.T, step time.Duration) *killPlatform {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("the simulated calls have the seed %d; when the kills fall is chance", seed)
	p := &killPlatform{sprung: make(chan struct{}, 1), Platform: rehearsal.New(rehearsal.Options{
		Options: simulator.Options{Seed: seed}, Step: step,
	})}
	c := p.Sim.AddCampaign(simulator.Campaign{HourlyRate: 3600, RetryCount: 1, RetryInterval: time.Minute})
	for _, id := range []string{"20260822.9", "b"} {
		if err := p.Sim.CreateBatch(simulator.NewBatch{ID: id, CampaignID: c, Calls: killCalls}); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.ServeHTTP(w, r)
		if !strings.HasSuffix(r.URL.Path, "/results") {
			return
		}
		p.lists.Add(1)
		if p.left.Add(-1) == 0 {
			p.sprung <- struct{}{}
		}
	}))
	t.Cleanup(srv.Close)
	p.url = srv.URL
	return p
}

// killDaemon is `notifier run` as a process of its own.
type killDaemon struct {
	t        *testing.T
	url, dir string
	cmd      *exec.Cmd
	logs     sync.WaitGroup
}

func (d *killDaemon) start() {
	d.t.Helper()
	d.cmd = exec.Command("notifier", "run")
	d.cmd.Env = append(withoutSettings(os.Environ()),
		"NOTIFIER_SYLLABLE_URL="+d.url, "NOTIFIER_SYLLABLE_API_KEY=any", "NOTIFIER_BASELINE=emit",
		"NOTIFIER_POLL_INTERVAL=100ms", "NOTIFIER_DISCOVERY_INTERVAL=100ms", "NOTIFIER_DATA_DIR="+d.dir,
		"NOTIFIER_NATS_LISTEN=off", "NOTIFIER_HTTP_ADDR=off", "NOTIFIER_LOG_FORMAT=json")
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.logs.Go(func() { d.readLog(stderr) })
}

// readLog looks for what must never be logged in a run without faults.
func (d *killDaemon) readLog(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var line struct{ Level, Msg, Error string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			d.t.Errorf("log: %s", lines.Text())
		} else if line.Level == "ERROR" {
			d.t.Errorf("the daemon reports %q: %s", line.Msg, line.Error)
		}
	}
}

func (d *killDaemon) kill() {
	d.t.Helper()
	if err := d.cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	d.logs.Wait()
	_ = d.cmd.Wait() // it was killed
}

func (d *killDaemon) stop() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Fatal(err)
	}
	d.logs.Wait()
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
}

func withoutSettings(environ []string) []string {
	var kept []string
	for _, v := range environ {
		if !strings.HasPrefix(v, "NOTIFIER_") {
			kept = append(kept, v)
		}
	}
	return kept
}

// readStream opens the store of a daemon that has ended and reads all of it.
func readStream(t *testing.T, dir string, each func(*jetstream.RawStreamMsg)) {
	t.Helper()
	s, err := natsd.Start(t.Context(), natsd.Options{
		StoreDir: dir, Listen: natsd.ListenOff, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := js.Stream(ctx, "SYLLABLE")
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(ctx, seq)
		if err != nil {
			t.Fatalf("message %d: %v", seq, err)
		}
		each(m)
	}
}

// withoutAdded takes off what reading a message in this way adds to it.
func withoutAdded(h map[string][]string) map[string][]string {
	for _, name := range []string{"Nats-Sequence", "Nats-Stream", "Nats-Subject", "Nats-Time-Stamp"} {
		delete(h, name)
	}
	return h
}
