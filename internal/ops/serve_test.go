package ops_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/ops"
)

func TestListenErrors(t *testing.T) {
	t.Parallel()
	l, err := ops.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	if _, err := ops.Listen(taken); !errors.Is(err, syscall.EADDRINUSE) ||
		!strings.Contains(err.Error(), "NOTIFIER_HTTP_ADDR="+taken) {
		t.Errorf("taken address: got %v", err)
	}
	for _, addr := range []string{"", "127.0.0.1", "127.0.0.1:http:80", "192.0.2.1:0"} {
		l, err := ops.Listen(addr)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "NOTIFIER_HTTP_ADDR="+addr) {
			t.Errorf("Listen(%q): got %v, want an error that names the setting", addr, err)
		}
	}
}

func TestServeClosesListener(t *testing.T) {
	t.Parallel()
	l, err := ops.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ops.Serve(ctx, l, http.NotFoundHandler(), slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("Serve() = %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept() after Serve: %v, want %v", err, net.ErrClosed)
	}
}

func TestServeListenerFails(t *testing.T) {
	t.Parallel()
	l, err := ops.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = ops.Serve(t.Context(), l, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("Serve() = %v, want %v with the address", err, net.ErrClosed)
	}
}

// A request in flight when the daemon stops is answered, if it takes less
// time than Serve waits.
func TestServeWaitsForRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(2 * time.Second) // the bubble's time
			io.WriteString(w, "late")
		}))
		c := s.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		synctest.Wait()
		s.cancel()
		got, err := io.ReadAll(c)
		if err != nil || !strings.HasSuffix(string(got), "late") {
			t.Errorf("got %q, %v", got, err)
		}
		if took := s.wait(t); took > 3*time.Second {
			t.Errorf("Serve took %v to end", took)
		}
	})
}

// A request that does not end is cut: the daemon's end must not hang on it.
func TestServeEndsInBoundedTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := startPipe(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
		c := s.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		synctest.Wait()
		s.cancel()
		if took := s.wait(t); took != 3*time.Second {
			t.Errorf("Serve took %v to end, want 3s", took)
		}
		if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
			t.Errorf("the connection is not cut: %q, %v", got, err)
		}
		if !strings.Contains(s.log.String(), "were cut") {
			t.Errorf("not logged: %s", &s.log)
		}
		close(release)
	})
}

// A stream that watches its request's context ends at once.
func TestServeEndsStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startPipe(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		go io.Copy(io.Discard, s.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
		synctest.Wait()
		s.cancel()
		if took := s.wait(t); took > time.Second {
			t.Errorf("Serve took %v to end", took)
		}
	})
}

// Clients that send or read too slowly, or too much, lose their connection.
func TestServeTimeouts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, send string
		want       time.Duration
	}{
		{"header that never ends", "GET / HTTP/1.1\r\nHost: local", 5 * time.Second},
		{"body that never ends", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1", 15 * time.Second},
		{"nothing more to ask", "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n", 2 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := startPipe(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.ReadAll(r.Body) }))
			begun := time.Now()
			c := s.dial(tt.send)
			if _, err := io.Copy(io.Discard, c); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if took := time.Since(begun); took < tt.want || took > tt.want+time.Second {
				t.Errorf("%s: cut after %v, want %v", tt.name, took, tt.want)
			}
			s.cancel()
			s.wait(t)
		})
	}
}

// A client that does not read its answer does not hold the handler for ever.
func TestServeGivesUpWriting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrote := make(chan error, 1)
		s := startPipe(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, 1<<20))
			wrote <- err
		}))
		begun := time.Now()
		defer s.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").Close()
		if err := <-wrote; err == nil {
			t.Error("the answer was written to nobody")
		}
		if took := time.Since(begun); took != 30*time.Second {
			t.Errorf("given up after %v, want 30s", took)
		}
		s.cancel()
		s.wait(t)
	})
}

func TestServeLimitsHeaders(t *testing.T) {
	t.Parallel()
	url := serve(t, ops.Options{})
	big := func(n int) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Big", strings.Repeat("x", n)) }
	}
	for n, want := range map[int]int{8 << 10: 200, 64 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		if got := request(t, http.MethodGet, url+"/livez", big(n)); got.Code != want {
			t.Errorf("header of %d bytes: got %d, want %d", n, got.Code, want)
		}
	}
}

// pipes is a server whose connections are pipes, so that it can run in a
// bubble, in which sockets would stop the clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	cancel   context.CancelFunc
	canceled time.Time
	done     chan error
	log      bytes.Buffer
}

func startPipe(t *testing.T, h http.Handler) *pipes {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &pipes{conns: make(chan net.Conn), closed: make(chan struct{}), done: make(chan error, 1)}
	s.cancel = func() {
		s.canceled = time.Now()
		cancel()
	}
	go func() { s.done <- ops.Serve(ctx, s, h, slog.New(slog.NewTextHandler(&s.log, nil))) }()
	return s
}

// dial opens a connection and sends the text on it.
func (s *pipes) dial(send string) net.Conn {
	client, server := net.Pipe()
	s.conns <- server
	io.WriteString(client, send)
	return client
}

// wait waits until Serve has returned, and says how long after cancel that was.
func (s *pipes) wait(t *testing.T) time.Duration {
	t.Helper()
	if err := <-s.done; err != nil {
		t.Errorf("Serve() = %v", err)
	}
	return time.Since(s.canceled)
}

func (s *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *pipes) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *pipes) Addr() net.Addr { return &net.TCPAddr{} }
