package fetch_test

import (
	"bytes"
	"context"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// logged runs a poller against p for a while and returns its log. The poller goes
// on until the end of the test.
func logged(t *testing.T, p *platform, k *taker, d time.Duration) (*fetch.Poller, func() string) {
	t.Helper()
	var log bytes.Buffer
	poller := run(t, p, k, func(o *fetch.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	pass(d)
	return poller, log.String
}

// A list with one reference id twice is used, with one of the two, and warned
// about once.
func TestFault06DuplicateReference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1", "2", "1")})
		k := newTaker()
		_, log := logged(t, p, k, 12*time.Second)
		p.set(func() { p.bodies["a"] = list("2", "1", "1") })
		pass(12 * time.Second)
		if d := cmp.Diff([]string{"a: 1 2", "a: unchanged", "a: 2 1"}, k.all()); d != "" {
			t.Errorf("taken (-want +got):\n%s", d)
		}
		if n := strings.Count(log(), "more than once"); n != 1 {
			t.Errorf("warned %d times, want once:\n%s", n, log())
		}
	})
}

// least makes sure that two requests are never closer than d, and that there
// were some.
func least(t *testing.T, asked []time.Time, d time.Duration) {
	t.Helper()
	if len(asked) < 3 {
		t.Errorf("asked %d times only", len(asked))
	}
	for i := 1; i < len(asked); i++ {
		if got := asked[i].Sub(asked[i-1]); got < d {
			t.Errorf("asked again after %v, want %v at least", got, d)
		}
	}
}

// A key that is refused is tried again at least a minute later, and the log says
// what to do about it, once.
func TestFault14RefusedKey(t *testing.T) {
	t.Parallel()
	for _, code := range []int{401, 403} {
		for what, batch := range map[string]string{"list": "", "results a": "a"} {
			t.Run(strconv.Itoa(code)+" "+what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newPlatform(map[string]string{"a": list("1")})
					p.errs[batch] = &syllable.StatusError{Op: "x", Code: code}
					k := newTaker()
					poller, log := logged(t, p, k, 30*time.Minute)
					least(t, p.times(what), time.Minute)
					if n := strings.Count(log(), "NOTIFIER_SYLLABLE_API_KEY"); n != 1 {
						t.Errorf("the log says %d times what to do, want once:\n%s", n, log())
					}
					if poller.Ready() == nil || !poller.Status().Unreachable {
						t.Error("that looks like a platform that answers")
					}
					p.set(func() { delete(p.errs, batch) })
					pass(7 * time.Minute)
					if len(k.all()) == 0 || poller.Status().Unreachable {
						t.Error("not polled although the key is accepted")
					}
				})
			})
		}
	}
}

// A batch that the platform does not know is gone: that is told, the others are
// polled as before, and it is looked for now and then.
func TestFault15Gone(t *testing.T) {
	t.Parallel()
	for _, code := range []int{404, 410} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(map[string]string{"a": list("1"), "b": list("2")})
				p.errs["a"] = &syllable.StatusError{Op: "x", Code: code}
				k := newTaker()
				poller, log := logged(t, p, k, 10*time.Minute)
				least(t, p.times("results a"), 50*time.Second)
				if _, gone, _ := k.snapshot(); len(gone) == 0 || gone[0] != "a" {
					t.Errorf("told as gone: %v", gone)
				}
				s := poller.Status()
				if s.Batches["a"].State != fetch.StateGone || s.Unreachable || p.count("results b") < 50 {
					t.Errorf("state %s, unreachable %v, the other one polled %d times",
						s.Batches["a"].State, s.Unreachable, p.count("results b"))
				}
				if n := strings.Count(log(), "does not exist"); n != 1 {
					t.Errorf("the log says %d times that it is not there, want once:\n%s", n, log())
				}
				p.set(func() { delete(p.errs, "a") })
				pass(2 * time.Minute)
				if s := poller.Status(); s.Batches["a"].State == fetch.StateGone {
					t.Error("a batch that is there again counts as gone")
				}
			})
		})
	}
}

// A request that the platform does not accept is not made again and again, and
// is no outage.
func TestFault16Unprocessable(t *testing.T) {
	t.Parallel()
	for what, batch := range map[string]string{"list": "", "results a": "a"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPlatform(map[string]string{"a": list("1")})
				p.errs[batch] = &syllable.StatusError{Op: "x", Code: 422}
				poller, log := logged(t, p, newTaker(), 2*time.Hour)
				if n := p.count(what); n < 20 || n > 40 {
					t.Errorf("asked %d times in 2 hours, want ever more rarely, to every 5 minutes", n)
				}
				least(t, p.times(what), 7*time.Second)
				if poller.Status().Unreachable {
					t.Error("the platform counts as unreachable")
				}
				if n := strings.Count(log(), "does not accept"); n < 1 || n > 3 {
					t.Errorf("said %d times in 2 hours, want about once an hour:\n%s", n, log())
				}
			})
		})
	}
}

// The wait that the platform asks for is kept, by whatever answer it does so.
func TestFault17RetryAfter(t *testing.T) {
	t.Parallel()
	for _, code := range []int{429, 503} {
		for what, batch := range map[string]string{"list": "", "results a": "a"} {
			t.Run(strconv.Itoa(code)+" "+what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newPlatform(map[string]string{"a": list("1")})
					p.errs[batch] = &syllable.StatusError{Op: "x", Code: code, RetryAfter: 8 * time.Minute}
					logged(t, p, newTaker(), time.Hour)
					least(t, p.times(what), 8*time.Minute)
				})
			})
		}
	}
}

// counter counts the results it is given, and keeps none.
type counter struct {
	*taker
	sample func()
	taken  chan int
}

func (c *counter) Take(ctx context.Context, o *fetch.Observation) (fetch.Held, error) {
	n := 0
	err := o.Each(ctx, func(syllable.Result) error {
		if n++; n%1000 == 0 {
			c.sample()
		}
		return nil
	})
	select {
	case c.taken <- n:
	case <-ctx.Done():
	}
	return fetch.Held{}, err
}

var hugeMB = flag.Int("huge.mb", 60, "the size of the body in TestFault11HugeBody")

// Memory does not grow with the body. Not parallel: it looks at the memory of
// the whole process.
func TestFault11HugeBody(t *testing.T) {
	const bound = 24 << 20
	size := *hugeMB << 20
	heap := newPeak()
	filler := `,"insights":{"summary":"` + strings.Repeat("x", 30_000) + `"}}`
	results := size / len(filler)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/results") {
			_, _ = w.Write([]byte(`{"batch_id":"a"}`))
			return
		}
		for i := range results {
			start := `,{"reference_id":"r`
			if i == 0 {
				start = `[{"reference_id":"r`
			}
			_, _ = w.Write([]byte(start + strconv.Itoa(i) + `"` + filler))
			if i%1000 == 0 {
				heap.sample()
			}
		}
		_, _ = w.Write([]byte("]"))
	}))
	t.Cleanup(srv.Close)
	c := syllable.New(srv.URL, "key", "test")
	t.Cleanup(c.Close)
	k := &counter{taker: newTaker(), sample: heap.sample, taken: make(chan int)}
	poller := fetch.New(c, k, fetch.Options{
		Batches: []string{"a"}, Interval: time.Hour, Discovery: time.Hour, Dir: t.TempDir(), Log: quiet,
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		poller.Run(ctx)
	}()
	if n := <-k.taken; n != results {
		t.Errorf("%d results taken, want %d", n, results)
	}
	cancel()
	<-done
	grown := heap.grown()
	t.Logf("a body of %d MB, %d results: the heap grew by %d MB at most", size>>20, results, grown>>20)
	if grown > bound {
		t.Errorf("the heap grew by %d MB, want %d at most", grown>>20, bound>>20)
	}
}

// A key that is refused is not tried with each of a thousand batches.
func TestRefusedKeyHoldsAllBatches(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"401": &syllable.StatusError{Code: 401}, "429": &syllable.StatusError{Code: 429, RetryAfter: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(500)
				for _, b := range a.batches {
					a.errs[b.BatchID] = err
				}
				k := newTaker()
				run(t, a.platform, k, nil, a)
				pass(10 * time.Minute)
				asked := 0
				for _, b := range a.batches {
					asked += a.count("results " + b.BatchID)
				}
				if asked < 10 || asked > 100 {
					t.Errorf("asked %d times in ten minutes, want a few a minute", asked)
				}
				a.set(func() { clear(a.errs) })
				pass(10 * time.Minute)
				if n := len(k.all()); n < 500 {
					t.Errorf("%d lists taken once the key is accepted, want all", n)
				}
			})
		})
	}
}
