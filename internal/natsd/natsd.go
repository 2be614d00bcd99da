package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a running NATS server. Its methods may be called from several
// goroutines at once.
type Server struct {
	opts Options
	addr string

	// life is held by Restart and Stop, so that one waits for the other.
	life sync.Mutex

	mu sync.RWMutex
	// srv is the server that runs; nil after Stop, and between the attempts
	// of Restart, when down says why.
	srv  *server.Server
	down error
}

var errStopped = errors.New("the nats server was stopped")

// Start starts a server and returns when it takes connections and JetStream
// has recovered its streams, which takes longer the more they hold. The caller
// must own o.StoreDir exclusively; see the package doc.
//
// The context bounds the start only, and does not interrupt a recovery: it is
// looked at before and after. When Start returns an error, nothing is left
// running. A stream that the server cannot recover is no error: the others work,
// and [Server.Healthy] names it. One that has lost its configuration is put
// aside.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	begun := time.Now()
	srv, err := boot(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: o, srv: srv}
	if a := srv.Addr(); a != nil {
		s.addr = a.String()
		// A restart must find the port again that this start chose.
		s.opts.Listen = s.addr
		if host, _, err := net.SplitHostPort(o.Listen); err == nil && !isLoopback(host) {
			o.Log.Warn("the nats listener is open to the network and not encrypted", "listen", s.addr)
		}
	}
	o.Log.Info("nats server started", "listen", s.opts.Listen, "store", o.StoreDir,
		"duration", time.Since(begun).Round(time.Millisecond))
	return s, nil
}

// boot starts a nats-server, or leaves nothing behind.
func boot(ctx context.Context, o Options) (*server.Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	so, err := o.serverOptions()
	if err != nil {
		return nil, err
	}
	if err := prepareDir(o.StoreDir); err != nil {
		return nil, err
	}
	if err := repair(o.StoreDir, o.Log); err != nil {
		return nil, err
	}
	srv, err := server.NewServer(so)
	if err != nil {
		return nil, fmt.Errorf("nats server: %w", err)
	}
	log := &logger{log: o.Log, token: o.Token}
	srv.SetLoggerV2(log, log.debug(), false, false)
	// Start returns when the server runs or has given up; it has no result.
	srv.Start()
	if err := started(ctx, o, srv, log); err != nil {
		halt(srv)
		return nil, err
	}
	return srv, nil
}

// started returns why the server did not start, nil if it did.
func started(ctx context.Context, o Options, srv *server.Server, log *logger) error {
	err := log.startError()
	var op *net.OpError
	switch {
	case errors.As(err, &op) && op.Op == "listen":
		return fmt.Errorf("NOTIFIER_NATS_LISTEN=%s cannot be used: if another program listens there, stop it or "+
			"choose another address; %s does without a listener: %w", o.Listen, ListenOff, err)
	case err != nil:
		return fmt.Errorf("nats server with store %s: %w", o.StoreDir, err)
	case ctx.Err() != nil:
		return fmt.Errorf("nats server: %w", ctx.Err())
	}
	if err := health(srv, server.HealthzOptions{JSEnabledOnly: true}); err != nil {
		return fmt.Errorf("nats server with store %s: %w", o.StoreDir, err)
	}
	return nil
}

// connectionsWait bounds how long health waits for a server that seems not to
// take connections, and connectionsLooks how often it does.
const (
	connectionsWait  = 2 * time.Second
	connectionsLooks = 3
)

// health asks the server how it is. The server allows its own look at whether
// it takes connections one millisecond, which is not enough on a busy machine:
// that answer alone is checked again, with more time.
func health(srv *server.Server, o server.HealthzOptions) error {
	o.Details = true
	found := srv.Healthz(&o).Errors
	for range connectionsLooks {
		if len(found) == 0 || found[0].Type != server.HealthzErrorConn || !srv.ReadyForConnections(connectionsWait) {
			break
		}
		found = srv.Healthz(&o).Errors
	}
	var all []error
	for _, e := range found {
		all = append(all, errors.New(strings.TrimSpace(e.Error)))
	}
	return errors.Join(all...)
}

// halt ends a server and waits until all of it has ended.
func halt(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// Healthy returns nil if JetStream works, every stream was recovered and can be
// written, and the disk is not full. It looks into the store's folder: a few
// system calls. That the disk is full is told first, because anything else may
// follow from it.
func (s *Server) Healthy() error {
	if err := checkDisk(s.opts.StoreDir); err != nil {
		return err
	}
	srv, err := s.current()
	if err != nil {
		return err
	}
	if err := health(srv, server.HealthzOptions{}); err != nil {
		return fmt.Errorf("nats server: %w", err)
	}
	return nil
}

// Addr returns the address of the listener, host:port with the real port, and
// "" if there is none. It stays the same for the life of the Server.
func (s *Server) Addr() string { return s.addr }

// Restart ends the server and starts another on the same folder and address,
// which is what makes streams writable again after a full disk. Streams and
// consumers stay; connections, also those made by Connect, are cut and
// reconnect. After an error there is no server, and Restart may be tried
// again. A stopped server cannot be restarted.
func (s *Server) Restart(ctx context.Context) error {
	s.life.Lock()
	defer s.life.Unlock()
	srv, err := s.current()
	if errors.Is(err, errStopped) {
		return err
	}
	s.set(nil, errors.New("the nats server is being restarted"))
	if srv != nil {
		halt(srv)
	}
	srv, err = boot(ctx, s.opts)
	s.set(srv, err)
	return err
}

// Stop ends the server and returns when all of it has ended and the store is
// closed. Clients should be closed first: they see a server that goes away,
// and try to reconnect. To stop twice is no error.
func (s *Server) Stop() {
	s.life.Lock()
	defer s.life.Unlock()
	srv, _ := s.current()
	s.set(nil, errStopped)
	if srv != nil {
		halt(srv)
	}
}

// current returns the server, or why there is none.
func (s *Server) current() (*server.Server, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.srv, s.down
}

func (s *Server) set(srv *server.Server, down error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.srv, s.down = srv, down
}
