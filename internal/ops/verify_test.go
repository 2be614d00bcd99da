package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/ops"
)

// verifier knows one batch, and says that it reads it for a while.
type verifier struct {
	lines int
	fail  error
}

func (v verifier) Batches() ([]string, error) { return []string{"b.0001"}, v.fail }

func (v verifier) Verify(_ context.Context, batch string, progress func(read, of uint64)) (ops.Verification, error) {
	if batch != "b.0001" {
		return ops.Verification{}, fmt.Errorf("%w: %q", ops.ErrUnknownBatch, batch)
	}
	for n := range v.lines {
		progress(uint64(n+1), uint64(v.lines))
	}
	return outcome(), v.fail
}

func outcome() ops.Verification {
	return ops.Verification{
		Batch: "b.0001", At: noon, Took: 1.5, Calls: 3, Silent: 1, Events: 12, Found: 10, Waiting: 1, Aged: 1, Missing: 1,
		Manifest: "none", ProblemCount: 1, Problems: []string{`call "<a&b>": revision 4 is missing`},
		MissingIDs: []string{"s7k2.b%2E0001.a.4"},
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	base := serve(t, ops.Options{Verifier: verifier{lines: 3}})
	a := request(t, "GET", base+"/api/v1/verify?batch=b.0001")
	const want = `{"batch_id":"b.0001","verified_at":"2026-08-22T12:00:00Z","took_seconds":1.5,"agrees":false,` +
		`"completed":false,"calls":3,"silent":1,"events":12,"found":10,"waiting":1,"aged":1,"parked":0,"missing":1,` +
		`"aged_early":false,"repaired":0,"newer":0,"others":0,"ahead":0,"manifest":"none","problem_count":1,` +
		`"problems":["call \"<a&b>\": revision 4 is missing"],"missing_ids":["s7k2.b%2E0001.a.4"]}` + "\n"
	if d := cmp.Diff(want, a.Body); d != "" || a.Code != http.StatusOK {
		t.Errorf("%d (-want +got):\n%s", a.Code, d)
	}
	if a := request(t, "GET", base+"/api/v1/verify"); a.Code != http.StatusOK || a.Body != `{"batches":["b.0001"]}`+"\n" {
		t.Errorf("without a batch: %d %s", a.Code, a.Body)
	}
	a = request(t, "GET", base+"/api/v1/verify?batch=b.0002")
	if a.Code != http.StatusNotFound || !strings.Contains(a.Body, `there is no such batch in the state: "b.0002"`) {
		t.Errorf("another batch: %d %s", a.Code, a.Body)
	}
	loud := func(r *http.Request) { r.Header.Set("Accept", "application/x-ndjson") }
	a = request(t, "GET", base+"/api/v1/verify?batch=b.0001", loud)
	if n := strings.Count(a.Body, "\n"); n != 2 || !strings.HasPrefix(a.Body, `{"read":1,"of":3}`+"\n") {
		t.Errorf("%d lines: %s", n, a.Body) // one a second at most, and the outcome
	}
	base = serve(t, ops.Options{Verifier: verifier{fail: errors.New("away")}})
	for _, path := range []string{"/api/v1/verify?batch=b.0001", "/api/v1/verify"} {
		if a := request(t, "GET", base+path); a.Code != http.StatusServiceUnavailable || !strings.Contains(a.Body, "away") {
			t.Errorf("%s that fails: %d %s", path, a.Code, a.Body)
		}
	}
	if a := request(t, "GET", serve(t, ops.Options{})+"/api/v1/verify"); a.Code != http.StatusNotFound {
		t.Errorf("without who verifies: %d", a.Code)
	}
	guarded := serve(t, ops.Options{Verifier: verifier{}, Token: "right"})
	if a := request(t, "GET", guarded+"/api/v1/verify"); a.Code != http.StatusUnauthorized {
		t.Errorf("without the token: %d", a.Code)
	}
}

// A verification outlives the time that other answers may take.
func TestVerifyTakesItsTime(t *testing.T) {
	t.Parallel()
	const limit = 50 * time.Millisecond
	srv := httptest.NewUnstartedServer(ops.Handler(ops.Options{Verifier: slow(4 * limit)}))
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = limit, limit
	srv.Start()
	t.Cleanup(srv.Close)
	c, err := ops.NewClient(strings.TrimPrefix(srv.URL, "http://"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Verify(t.Context(), "b", func(uint64, uint64) {}); err != nil {
		t.Error(err)
	}
}

// slow takes so long, unless it is ended before.
type slow time.Duration

func (slow) Batches() ([]string, error) { return nil, nil }

func (s slow) Verify(ctx context.Context, _ string, _ func(read, of uint64)) (ops.Verification, error) {
	select {
	case <-ctx.Done():
		return ops.Verification{}, ctx.Err()
	case <-time.After(time.Duration(s)):
		return outcome(), nil
	}
}

// It ends with whoever asks.
func TestVerifyEndsWithTheClient(t *testing.T) {
	t.Parallel()
	v := endless{begun: make(chan struct{}), ended: make(chan struct{})}
	c, err := ops.NewClient(strings.TrimPrefix(serve(t, ops.Options{Verifier: v}), "http://"), "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-v.begun
		cancel()
	}()
	if _, _, err := c.Verify(ctx, "b", func(uint64, uint64) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	<-v.ended
}

type endless struct {
	begun chan struct{}
	ended chan struct{}
}

func (endless) Batches() ([]string, error) { return nil, nil }

func (e endless) Verify(ctx context.Context, _ string, _ func(read, of uint64)) (ops.Verification, error) {
	close(e.begun)
	<-ctx.Done()
	close(e.ended)
	return ops.Verification{}, ctx.Err()
}

func TestVerifyClient(t *testing.T) {
	t.Parallel()
	client := func(addr string) *ops.Client {
		c, err := ops.NewClient(strings.TrimPrefix(addr, "http://"), "")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	read := uint64(0)
	c := client(serve(t, ops.Options{Verifier: verifier{lines: 3}}))
	v, raw, err := c.Verify(t.Context(), "b.0001", func(n, _ uint64) { read += n })
	if d := cmp.Diff(outcome(), v); err != nil || d != "" || !json.Valid(raw) || read != 1 {
		t.Errorf("error %v, read %d (-want +got):\n%s", err, read, d)
	}
	if ids, err := c.Recorded(t.Context()); err != nil || len(ids) != 1 || ids[0] != "b.0001" {
		t.Errorf("batches %q, error %v", ids, err)
	}
	answer := func(body string) string {
		return "http://" + pretendType(t, http.StatusOK, "application/x-ndjson", body)
	}
	for name, tt := range map[string]struct{ addr, batch, want string }{
		"another batch":   {serve(t, ops.Options{Verifier: verifier{}}), "x", `no such batch in the state: "x"`},
		"it fails":        {serve(t, ops.Options{Verifier: verifier{fail: errors.New("away")}}), "b.0001", "away"},
		"it fails, late":  {serve(t, ops.Options{Verifier: verifier{lines: 2, fail: errors.New("gone")}}), "b.0001", "gone"},
		"an older daemon": {serve(t, ops.Options{}), "b", "404 Not Found: is it another program, or an older version"},
		"nobody there":    {"127.0.0.1:1", "b", "is it running"},
		"another program": {pretend(t, http.StatusOK, "<html>"), "b", "is not what it should be"},
		"it breaks off":   {answer(`{"read":1,"of":2}` + "\n"), "b", "broke off"},
		"nothing comes":   {answer(""), "b", "broke off"},
		"no JSON":         {answer("x\n"), "b", "is not what it should be"},
	} {
		_, _, err := client(tt.addr).Verify(t.Context(), tt.batch, func(uint64, uint64) {})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want it to say %q", name, err, tt.want)
		}
	}
	for _, addr := range []string{pretend(t, http.StatusOK, "{}"), pretend(t, http.StatusOK, "<html>"), "127.0.0.1:1"} {
		if _, err := client(addr).Recorded(t.Context()); err == nil {
			t.Errorf("no error from %s", addr)
		}
	}
}
