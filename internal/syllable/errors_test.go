package syllable_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// What an error is about, and its cause in words that go into events: nothing of
// the key, of what was asked for, or of the answer is in them.
func TestAboutAndCause(t *testing.T) {
	t.Parallel()
	answer := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			io.WriteString(w, body)
		}
	}
	aborted := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	large := answer(200, `{"batch_id":"`+strings.Repeat("canary-body", 1<<20))
	for name, tt := range map[string]struct {
		h     http.HandlerFunc
		about bool
		cause string
	}{
		"401":       {answer(401, `{"detail":"canary-body"}`), true, "the platform answered 401 Unauthorized"},
		"404":       {answer(404, ""), false, "the platform answered 404 Not Found"},
		"410":       {answer(410, ""), false, "the platform answered 410 Gone"},
		"422":       {answer(422, `{"detail":"canary-body"}`), false, "the platform answered 422 Unprocessable Entity"},
		"429":       {answer(429, ""), true, "the platform answered 429 Too Many Requests"},
		"500":       {answer(500, "canary-body"), true, "the platform answered 500 Internal Server Error"},
		"599":       {answer(599, ""), true, "the platform answered 599"},
		"302":       {answer(302, ""), true, "the platform answered 302 Found"},
		"not JSON":  {answer(200, "<canary-body>"), true, "an answer was not valid"},
		"too large": {large, true, "an answer was larger than allowed"},
		"no answer": {aborted, true, "the platform could not be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, tt.h)
			_, err := c.Batch(t.Context(), "canary-batch")
			told(t, err, tt.about, tt.cause)
		})
	}
}

func TestCauseWithoutAServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nobody listens there now
	c := syllable.New("http://"+l.Addr().String(), key, "x")
	err = results(t.Context(), c, "canary-batch", syllable.Filter{ReferenceID: "canary-ref"}, io.Discard)
	told(t, err, true, "the platform could not be reached")
	if err == nil || strings.Contains(err.Error(), "canary-ref") || strings.Contains(err.Error(), key) {
		t.Errorf("error %v", err)
	}
	// No error of ours is about the platform.
	told(t, errors.New("disk full"), false, "the platform could not be reached")
	told(t, fmt.Errorf("batch: %w", context.DeadlineExceeded), true, "the platform did not answer in time")
}

func told(t *testing.T, err error, about bool, cause string) {
	t.Helper()
	if got := syllable.IsAbout(err); got != about {
		t.Errorf("%v is about the platform: %v, want %v", err, got, about)
	}
	if got := syllable.Cause(err); got != cause || strings.Contains(got, "canary") {
		t.Errorf("cause of %v: %q, want %q", err, got, cause)
	}
}

func TestClass(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"429": fmt.Errorf("x: %w", &syllable.StatusError{Code: 429}), "body": fmt.Errorf("x: %w", syllable.ErrBody),
		"other": io.EOF,
	} {
		if got := syllable.Class(err); got != want {
			t.Errorf("class of %v: %q, want %q", err, got, want)
		}
	}
	if got := syllable.Class(syllable.ErrTooLarge); got != "body" {
		t.Errorf("class %q", got)
	}
}
