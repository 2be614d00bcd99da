package dst_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/ingest"
	"github.com/syllable-notifier/notifier/internal/publish"
	"github.com/syllable-notifier/notifier/internal/rehearsal"
	"github.com/syllable-notifier/notifier/internal/simulator"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

const (
	interval = 20 * time.Second
	settle   = 4 * interval
)

var (
	errDead = errors.New("the process has ended")
	errFull = errors.New("no space left on device")
)

// odds are how likely each fault is where it may happen, 0 to 1. Each life has its
// own, and many of them are 0: where everything fails all the time, little is tried.
type odds struct {
	network, answer                   float64 // the connection to the platform breaks; the answer is spoilt
	refused, late, partial, ack, read float64 // on the way to the stream
	outage, remove, cut, hole, purge  float64 // of the stream, in each step
	letGo                             float64 // events are let go that the stream took
	disk, full                        float64 // a commit fails; the disk is full for a while
	die, kill                         float64 // the process ends at a seam; between two steps
	lazy                              float64 // the relay has no turn
	batch                             int     // how many messages are published at once
}

// defect is something that is broken on purpose, to see that it is noticed.
type defect string

const (
	none      defect = ""
	blind     defect = "the relay does not see what the stream holds"
	forgetful defect = "the stream acknowledges what it does not store"
	careless  defect = "commits are lost"
)

// world is one life.
type world struct {
	t      testing.TB
	rng    *rand.Rand
	odds   odds
	broken defect
	told   bool // whether it is told step by step

	dir      string
	begun    time.Time
	platform *rehearsal.Platform
	faults   *simulator.Faults
	handler  http.Handler
	stream   *stream
	full     time.Time // until when the disk is
	lives    int       // processes so far
	dead     bool      // this process has ended; nothing has an effect any more
	hash     *xxh3.Hasher

	client *syllable.Client
	store  *store.Store
	poller *fetch.Poller
	relay  *publish.Relay
}

// spoilt are the ways in which an answer is spoilt that do not claim that something
// else happened, and that take no time.
var spoilt = []string{
	"404", "410", "422", "429=none", "500", "502", "503=none", "504", "html", "null", "garbage", "badutf8", "dupkey",
	"truncate", "empty@results", "shrink@results", "shuffle@results", "drop",
}

// newWorld draws a life.
func newWorld(t testing.TB, seed uint64, dir string) *world {
	t.Helper()
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), dir: dir, begun: time.Now(), hash: xxh3.New(),
	}
	o := &w.odds
	for _, p := range []*float64{
		&o.network, &o.answer, &o.refused, &o.late, &o.partial, &o.ack, &o.read, &o.outage, &o.disk, &o.full, &o.kill,
		&o.lazy,
	} {
		*p = []float64{0, 0, 0.02, 0.1, 0.3}[w.rng.IntN(5)]
	}
	o.die = []float64{0, 0, 0.001, 0.01, 0.05}[w.rng.IntN(5)] // there are many seams
	// What takes events away is rare, or nothing else is seen.
	for _, p := range []*float64{&o.remove, &o.cut, &o.hole, &o.purge, &o.letGo} {
		*p = []float64{0, 0, 0.02, 0.1}[w.rng.IntN(4)]
	}
	if o.hole > 0 {
		// What a hole took is judged where it was, which nobody knows in a stream
		// that was filled anew.
		o.remove, o.cut = 0, 0
	}
	if o.letGo > 0 || o.purge > 0 {
		// What is let go cannot come again, and what was purged must not: that can be
		// judged where nothing else is lost.
		o.remove, o.cut, o.hole = 0, 0, 0
	}
	if o.purge > 0 {
		// Of an event that was purged before the relay knew that it was stored nobody
		// knows that it ever was.
		o.late, o.partial, o.ack, o.disk, o.full, o.die = 0, 0, 0, 0, 0, 0
	}
	o.batch = []int{1, 3, 1000}[w.rng.IntN(3)]
	w.stream = &stream{w: w, seen: map[string]time.Time{}, purged: map[string]bool{}}
	w.platform = rehearsal.New(rehearsal.Options{Options: simulator.Options{Seed: seed, Now: time.Now}})
	c := w.platform.Sim.AddCampaign(simulator.Campaign{
		HourlyRate: 600 + w.rng.IntN(3000), RetryCount: w.rng.IntN(2), RetryInterval: w.upTo(2 * time.Minute),
	})
	for _, id := range []string{"20260822.9", "b"}[:1+w.rng.IntN(2)] {
		err := w.platform.Sim.CreateBatch(simulator.NewBatch{ID: id, CampaignID: c, Calls: 1 + w.rng.IntN(5)})
		if err != nil {
			t.Fatal(err)
		}
	}
	var specs []string
	for _, one := range spoilt {
		kind, path, at := strings.Cut(one, "@")
		spec := fmt.Sprintf("%s:%g%%", kind, 100*o.answer/float64(len(spoilt)))
		if at {
			spec = fmt.Sprintf("%s@%s:%g%%", kind, path, 100*o.answer/float64(len(spoilt)))
		}
		if o.answer > 0 {
			specs = append(specs, spec)
		}
	}
	var err error
	if w.faults, err = simulator.NewFaults(seed, specs...); err != nil {
		t.Fatal(err)
	}
	w.handler = w.faults.Wrap(w.platform)
	return w
}

// note tells a step. The notes of a life are the same each time that it runs.
func (w *world) note(format string, args ...any) {
	line := fmt.Sprintf("%9.3f #%d ", time.Since(w.begun).Seconds(), w.lives) + fmt.Sprintf(format, args...)
	_, _ = w.hash.WriteString(line)
	if w.told {
		fmt.Fprintln(os.Stderr, line)
	}
}

// chance says whether something happens.
func (w *world) chance(p float64) bool { return p > 0 && w.rng.Float64() < p }

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rng.Int64N(int64(d))) }

func (w *world) delay(most time.Duration) { time.Sleep(w.upTo(most)) }

// mayDie ends the process at a seam: whatever it does afterwards has no effect.
func (w *world) mayDie(where string) error {
	if w.chance(w.odds.die) {
		w.die(where)
	}
	if w.dead {
		return errDead
	}
	return nil
}

func (w *world) die(where string) {
	w.note("dies %s", where)
	w.dead = true
}

// disk is around each commit.
func (w *world) disk(commit func() error) error {
	if err := w.mayDie("before a commit"); err != nil {
		return err
	}
	if w.chance(w.odds.disk) || time.Now().Before(w.full) {
		w.note("disk: full")
		return errFull
	}
	if w.broken == careless && w.chance(0.2) {
		return nil
	}
	if err := commit(); err != nil {
		return err
	}
	return w.mayDie("after a commit")
}

// RoundTrip implements http.RoundTripper: the platform answers.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.mayDie("before a request"); err != nil {
		return nil, err
	}
	w.delay(200 * time.Millisecond)
	if w.chance(w.odds.network) {
		w.note("network: no answer to %s", r.URL.Path)
		return nil, errors.New("connection refused")
	}
	rec := httptest.NewRecorder()
	cut := w.serve(rec, r)
	resp := rec.Result()
	if w.chance(w.odds.network) {
		cut = true
		body, _ := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body[:w.rng.IntN(len(body)+1)]))
	}
	w.note("%s %s: %d, cut %v", r.URL.Path, r.URL.RawQuery, resp.StatusCode, cut)
	if cut {
		resp.Body = io.NopCloser(io.MultiReader(resp.Body, broken{}))
	}
	if err := w.mayDie("after an answer"); err != nil {
		return nil, err
	}
	return resp, nil
}

// broken is the end of a body that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// serve says whether the handler broke off the answer.
func (w *world) serve(rec *httptest.ResponseRecorder, r *http.Request) (cut bool) {
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // it is that value
				panic(p)
			}
			cut = true
		}
	}()
	w.handler.ServeHTTP(rec, r)
	return false
}

var quiet = slog.New(slog.DiscardHandler)

// start begins a process on what the one before it left.
func (w *world) start() error {
	w.lives++
	w.dead = false
	var err error
	if w.store, err = store.Open(filepath.Join(w.dir, "notifier.db")); err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	w.store.Wrap(w.disk)
	w.client = syllable.New("http://platform", "key", "test")
	w.client.Wrap(func(http.RoundTripper) http.RoundTripper { return w })
	taker := ingest.New(w.store, ingest.Options{APIBase: "http://platform", Settle: settle, Log: quiet})
	unfinished, err := taker.Unfinished()
	outage, err2 := taker.Outage()
	progress, err3 := w.store.Progress()
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	w.poller = fetch.New(w.client, taker, fetch.Options{
		Interval: interval, Discovery: time.Minute, Settle: settle, Dir: w.dir, Concurrent: 1,
		Unfinished: unfinished, Outage: outage, Herald: taker, Random: w.rng.Float64, Log: quiet,
	})
	w.relay, err = publish.NewRelay(publish.RelayOptions{
		Outbox: w.store, Store: w.store.ID(), Relayed: progress.Relayed, Note: progress.Note,
		Stream: w.stream, Prefix: "syllable", Damaged: func(err error) bool { return errors.Is(err, store.ErrDamaged) },
		Log: quiet,
	})
	w.note("starts")
	return err
}

// stop lets go of what a process had, which has ended.
func (w *world) stop() error {
	w.client.Close()
	return w.store.Close()
}

// step lets the process do what is due, and some time pass.
func (w *world) step(ctx context.Context) error {
	wait := w.poller.RunOnce(ctx)
	for !w.dead && !w.chance(w.odds.lazy) {
		n, err := w.relay.RunOnce(ctx)
		if errors.Is(err, publish.ErrOlderState) || errors.Is(err, store.ErrDamaged) {
			return err
		}
		if err != nil {
			w.note("relay: %s", strings.ReplaceAll(err.Error(), w.store.ID(), "ID"))
		}
		if n == 0 || err != nil {
			break
		}
	}
	if !w.dead && w.chance(w.odds.kill/5) {
		w.die("between two steps")
	}
	time.Sleep(min(wait, time.Second+w.upTo(interval)))
	return nil
}

// chaos lets things happen to the stream and the disk.
func (w *world) chaos() {
	if w.chance(w.odds.outage / 5) {
		// Also longer than the server remembers ids.
		w.stream.away = time.Now().Add(w.upTo(3 * window))
		w.note("stream: away until %v", w.stream.away.Sub(w.begun))
	}
	if w.chance(w.odds.remove) {
		w.note("stream: deleted")
		w.stream.remove()
	}
	if w.chance(w.odds.cut) {
		n := 1 + w.rng.IntN(5)
		w.note("stream: without its last %d", n)
		w.stream.cut(n)
	}
	if w.chance(w.odds.purge) {
		n := 1 + w.rng.IntN(5)
		w.note("stream: the first %d are purged", n)
		w.stream.purge(n)
	}
	if w.chance(w.odds.letGo) {
		n, err := w.store.LetGo(w.upTo(time.Hour))
		w.note("let go: %d events, %v", n, err)
	}
	if w.chance(w.odds.hole) {
		w.stream.hole()
	}
	if w.chance(w.odds.full / 5) {
		w.full = time.Now().Add(w.upTo(2 * time.Minute))
		w.note("disk: full until %v", w.full.Sub(w.begun))
	}
}
