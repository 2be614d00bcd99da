package ops_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/internal/ops"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves the options on a free loopback port until the test ends, and
// returns the base URL.
func serve(t *testing.T, o ops.Options) string {
	t.Helper()
	l, err := ops.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ops.Serve(ctx, l, ops.Handler(o), slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
	return "http://" + l.Addr().String()
}

// answer is what tests look at of a response.
type answer struct {
	Code   int
	Body   string
	Header http.Header
}

// request sends a request, changed by the edits, over a connection of its own.
func request(t *testing.T, method, url string, edits ...func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for _, edit := range edits {
		edit(r)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, string(body), res.Header}
}

func host(h string) func(*http.Request) {
	return func(r *http.Request) { r.Host = h }
}

func authorization(v string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", v) }
}
