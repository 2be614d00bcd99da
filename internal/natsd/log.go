package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// logger takes nats-server's log lines to slog, one static message with the
// server's text as an attribute. What the server calls a notice is of interest
// to who looks after a NATS server, not a notifier, and so becomes debug.
//
// A fatal error is not logged but kept, because Start returns it: nats-server
// reports every reason not to start in this way only, and only from its Start.
type logger struct {
	log *slog.Logger
	// token must not be printed; empty if there is none.
	token string

	mu    sync.Mutex
	fatal error
}

var _ server.Logger = (*logger)(nil)

func (l *logger) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l *logger) Debugf(format string, v ...any)  { l.write(slog.LevelDebug, format, v) }
func (l *logger) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }
func (l *logger) Errorf(format string, v ...any)  { l.write(slog.LevelError, format, v) }

// Tracef would print messages with all they hold; tracing stays off.
func (l *logger) Tracef(string, ...any) {}

// Fatalf keeps the first error, with the cause among its arguments.
func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fatal != nil {
		return
	}
	l.fatal = errors.New(l.text(format, v))
	for _, arg := range v {
		if cause, ok := arg.(error); ok {
			l.fatal = cause
		}
	}
}

// startError returns the reason why the server did not start, nil for none.
func (l *logger) startError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

// debug reports whether debug lines are wanted; nats-server makes many.
func (l *logger) debug() bool {
	return l.log.Enabled(context.Background(), slog.LevelDebug)
}

func (l *logger) write(level slog.Level, format string, v []any) {
	ctx := context.Background()
	if l.log.Enabled(ctx, level) {
		l.log.Log(ctx, level, "nats server", "text", l.text(format, v))
	}
}

// text formats a line. nats-server hides tokens where it prints a client's
// login; that is its habit, not its promise, so the token is taken out again.
func (l *logger) text(format string, v []any) string {
	s := strings.TrimSpace(fmt.Sprintf(format, v...))
	if l.token != "" {
		s = strings.ReplaceAll(s, l.token, "[redacted]")
	}
	return s
}
