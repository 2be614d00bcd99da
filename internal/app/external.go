package app

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// repeatReport is how often the same report of the server is logged again.
const repeatReport = 10 * time.Minute

// reconnectWait is the time between two attempts to reach an external NATS. Tests set
// it once, before they run.
var reconnectWait = 2 * time.Second

// external returns the options of a connection to somebody else's server: it
// is tried for ever, from the start on. Credentials and certificates are read
// again at each attempt, so that they can be replaced.
func (a *App) external() []nats.Option {
	options := []nats.Option{
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		// A login that is refused may be a rotation in progress; the library
		// would close the connection for ever after the second time.
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(reconnectWait),
		nats.ConnectHandler(func(c *nats.Conn) {
			a.log.Info("connected to NATS", "server", c.ConnectedServerName(), "version", c.ConnectedServerVersion())
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil when we close it
				a.refusals.report(a.log, "disconnected from NATS; connecting again", err)
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			a.unreached.report(a.log, "NATS cannot be reached; trying again", explainLogin(err))
		}),
		nats.ReconnectHandler(func(*nats.Conn) { a.log.Info("connected to NATS again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			a.refusals.report(a.log, "NATS reports an error", explainLogin(err))
		}),
	}
	if c := a.cfg.NATSCreds; c != "" {
		options = append(options, nats.UserCredentials(c))
	}
	if t := a.cfg.NATSToken; t != "" {
		options = append(options, nats.Token(t.Reveal()))
	}
	if ca := a.cfg.NATSCA; ca != "" {
		options = append(options, nats.RootCAs(ca))
	}
	if a.cfg.NATSCert != "" {
		options = append(options, nats.ClientCert(a.cfg.NATSCert, a.cfg.NATSKey))
	}
	return options
}

// reports keeps the newest thing that a server reports outside of any answer,
// such as what a user may not do. The same is said at every attempt: it is
// logged once and now and then.
type reports struct {
	mu     sync.Mutex
	err    error
	at     time.Time
	logged map[string]time.Time // by text
}

func (r *reports) report(log *slog.Logger, what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.err, r.at = err, now
	text := what + ": " + err.Error()
	if errors.Is(err, nats.ErrPermissionViolation) {
		text = nats.ErrPermissionViolation.Error() // and not once for each subject
	}
	if before, ok := r.logged[text]; ok && now.Sub(before) < repeatReport {
		return
	}
	for old, at := range r.logged {
		if now.Sub(at) >= repeatReport {
			delete(r.logged, old)
		}
	}
	if r.logged == nil {
		r.logged = map[string]time.Time{}
	}
	r.logged[text] = now
	log.Warn(what, "error", err) //nolint:sloglint // what is one of a few constants
}

// last returns the newest report and when that was.
func (r *reports) last() (at time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, r.err
}
