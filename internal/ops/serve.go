package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of a connection. A client that is slower than these holds a goroutine
// for nothing.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 15 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10
)

// shutdownTimeout is how long Serve waits for requests in flight. The daemon
// has 10 seconds to end, and delivery needs them more.
const shutdownTimeout = 3 * time.Second

// Listen listens on host:port, port 0 for a free one.
func Listen(addr string) (net.Listener, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return nil, fmt.Errorf("NOTIFIER_HTTP_ADDR=%s: want host:port: %w", addr, err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("NOTIFIER_HTTP_ADDR=%s cannot be used: if another program listens there, stop it or "+
			"choose another address: %w", addr, err)
	}
	return l, nil
}

// Serve answers requests on l with h until ctx ends, and closes l. Then it
// waits a few seconds for requests in flight, cuts what is left, and returns
// nil. It returns an error only if l fails.
//
// Requests have the values of ctx and end with it: a stream of events sees at
// once that the daemon stops. An answer takes at most 30 seconds; a handler
// that streams longer moves its deadline with http.ResponseController.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler:                      h,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		BaseContext:                  func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()

	select {
	case err := <-failed:
		_ = srv.Close()
		return serveError(l, err)
	case <-ctx.Done():
	}
	// The wait has its own time: ctx has none left.
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(wait); errors.Is(err, context.DeadlineExceeded) {
		log.Warn("http requests in flight were cut", "waited", shutdownTimeout)
		_ = srv.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return serveError(l, err)
	}
	return nil
}

func serveError(l net.Listener, err error) error {
	return fmt.Errorf("serve http on %s: %w", l.Addr(), err)
}
