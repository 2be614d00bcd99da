package simulator

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// served starts a server with a fault, and returns its URL and the true answer.
func served(t *testing.T, fault string) (url, truly string) {
	t.Helper()
	s := lively(t)
	srv := httptest.NewServer(s.Faulty(mustFaults(t, 2, fault)))
	t.Cleanup(srv.Close)
	return srv.URL, to(s.Handler(), "GET", resultsOfB, "").Body.String()
}

// received is an answer as far as it came.
type received struct {
	status int
	header http.Header
	length int64 // as announced; -1: it was not
	body   string
}

// get makes a request on a connection of its own, and reads all of the answer.
func get(ctx context.Context, url string) (received, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url+resultsOfB, nil)
	if err != nil {
		return received{}, err
	}
	req.Header.Set("Syllable-API-Key", "key")
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return received{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return received{resp.StatusCode, resp.Header, resp.ContentLength, string(body)}, err
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	url, truly := served(t, "truncate=length")
	got, err := get(t.Context(), url)
	if !errors.Is(err, io.ErrUnexpectedEOF) || got.length != int64(len(truly)) {
		t.Errorf("length: %v with Content-Length %d, want the full length and an unexpected end", err, got.length)
	}
	if len(got.body) >= len(truly) || !strings.HasPrefix(truly, got.body) {
		t.Errorf("length: %d bytes, want less than %d, and a beginning", len(got.body), len(truly))
	}
	url, truly = served(t, "truncate=plain")
	got, err = get(t.Context(), url)
	if err != nil || got.length != -1 {
		t.Errorf("plain: %v with Content-Length %d, want an end that looks good", err, got.length)
	}
	if len(got.body) >= len(truly) || !strings.HasPrefix(truly, got.body) {
		t.Errorf("plain: %d bytes, want less than %d, and a beginning", len(got.body), len(truly))
	}
}

// Without an argument, both ways occur.
func TestTruncateVaries(t *testing.T) {
	t.Parallel()
	url, _ := served(t, "truncate")
	seen := map[bool]bool{}
	for range 20 {
		_, err := get(t.Context(), url)
		seen[err == nil] = true
	}
	if len(seen) != 2 {
		t.Errorf("of 20 answers, all end well or none: %v", seen)
	}
}

func TestDrop(t *testing.T) {
	t.Parallel()
	url, _ := served(t, "drop")
	if got, err := get(t.Context(), url); err == nil {
		t.Errorf("answered with %d", got.status)
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	url, _ := served(t, "redirect")
	answer, err := get(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(url, "127.0.0.1", "localhost", 1) + resultsOfB
	if got := answer.header.Get("Location"); answer.status != 307 || got != want {
		t.Errorf("%d to %s, want 307 to %s", answer.status, got, want)
	}
	s := lively(t)
	for _, tt := range []struct{ fault, host, want string }{
		{"redirect", "localhost:81", "http://127.0.0.1:81"},
		{"redirect", "example.com", "http://localhost:80"},
		{"redirect=example.org:82", "127.0.0.1:81", "http://example.org:82"},
		{"redirect=https://example.org/", "127.0.0.1:81", "https://example.org"},
	} {
		r := httptest.NewRequest("GET", "http://"+tt.host+api+"/batches?limit=1", nil)
		r.Header.Set("Syllable-API-Key", "key")
		w := httptest.NewRecorder()
		s.Faulty(mustFaults(t, 1, tt.fault)).ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != tt.want+api+"/batches?limit=1" {
			t.Errorf("%s at %s: %s, want %s", tt.fault, tt.host, got, tt.want)
		}
	}
}

// Both are the truth behind a lot of nothing.
func TestHugeAndGzipBomb(t *testing.T) {
	t.Parallel()
	for fault, size := range map[string]int{"huge=3": 3 << 20, "gzip-bomb=5": 5 << 20} {
		url, truly := served(t, fault)
		got, err := get(t.Context(), url)
		body := got.body
		if err != nil || len(body) != size+len(truly) || strings.TrimSpace(body) != truly {
			t.Errorf("%s: %d bytes, %v, want %d and the truth at the end", fault, len(body), err, size+len(truly))
		}
	}
}

func TestGzipBombIsSmall(t *testing.T) {
	t.Parallel()
	s := lively(t)
	w := to(s.Faulty(mustFaults(t, 1, "gzip-bomb=100")), "GET", resultsOfB, "")
	if got := w.Body.Len(); got > 200<<10 || w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("%d bytes with Content-Encoding %q", got, w.Header().Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, z); err != nil || n < 100<<20 {
		t.Errorf("%d bytes are in it: %v, want 100 MiB", n, err)
	}
}

// A client that gives up ends an answer that hangs, and one that is huge.
func TestClientGivesUp(t *testing.T) {
	t.Parallel()
	url, _ := served(t, "hang")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := get(ctx, url); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hang: %+v, %v, want no answer", got, err)
	}
	s := lively(t)
	given := mustFaults(t, 1, "huge=65536")
	w := &trickle{header: http.Header{}, limit: 5 << 20}
	r := httptest.NewRequest("GET", resultsOfB, nil)
	r.Header.Set("Syllable-API-Key", "key")
	s.Faulty(given).ServeHTTP(w, r) // returns
	if w.bytes != 5<<20 {
		t.Errorf("huge: %d bytes for a client that takes 5 MiB", w.bytes)
	}
}

// trickle is a connection without a socket, so that time can be the test's.
type trickle struct {
	header http.Header
	limit  int // of bytes that are taken; 0: none
	mu     sync.Mutex
	bytes  int
}

func (w *trickle) Header() http.Header { return w.header }
func (w *trickle) WriteHeader(int)     {}
func (w *trickle) Flush()              {}

func (w *trickle) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limit > 0 && w.bytes+len(p) > w.limit {
		return 0, io.ErrClosedPipe
	}
	w.bytes += len(p)
	return len(p), nil
}

func (w *trickle) now() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bytes
}

func TestSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for fault, lasting := range map[string]time.Duration{"slow": 20 * time.Second, "slow=5s": 5 * time.Second} {
			h := lively(t).Faulty(mustFaults(t, 1, fault))
			w := &trickle{header: http.Header{}}
			r := httptest.NewRequest("GET", resultsOfB, nil)
			r.Header.Set("Syllable-API-Key", "key")
			begun, ended := time.Now(), make(chan any)
			go func() {
				defer func() { ended <- recover() }()
				h.ServeHTTP(w, r)
			}()
			for second := range 4 {
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				if got := w.now(); got != second+1 {
					t.Errorf("%s: %d bytes in second %d, want one a second", fault, got, second)
				}
				time.Sleep(500 * time.Millisecond)
			}
			if v := <-ended; v != http.ErrAbortHandler { //nolint:errorlint // a panic's value
				t.Errorf("%s: ended with %v, want a connection that is cut", fault, v)
			}
			if got := time.Since(begun); got != lasting {
				t.Errorf("%s: took %v, want %v", fault, got, lasting)
			}
		}
	})
}
