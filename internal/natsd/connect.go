package natsd

import (
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats.go"
)

// reconnectWait is the time between two attempts to reconnect. There is no
// network to be gentle to: a connection is cut by a restart of the server, or
// by the server because it read too slowly.
const reconnectWait = 250 * time.Millisecond

// Connect returns a connection that does not leave the program: it works
// without a listener and knows the token. It reconnects for ever; who made it
// closes it. The options given come last and so win over these.
//
// A request that is on its way when the connection is cut gets no answer, on
// this connection as on any other: give requests a time-out and repeat them.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	base := []nats.Option{
		nats.InProcessServer(inProcess{s}),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(0, 0),
	}
	base = append(base, s.logHandlers()...)
	if s.opts.Token != "" {
		base = append(base, nats.Token(s.opts.Token))
	}
	nc, err := nats.Connect("", append(base, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the nats server in this process: %w", err)
	}
	return nc, nil
}

// logHandlers log a loss of the connection and its return. Without a handler
// the client would print its errors to stderr itself.
func (s *Server) logHandlers() []nats.Option {
	log := s.opts.Log
	return []nats.Option{
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("nats client", "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil when its owner closes it
				log.Warn("nats connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("nats connection is back") }),
	}
}

// inProcess gives connections to the server that runs at the time, so that a
// client which reconnects after a restart reaches the new one.
type inProcess struct{ s *Server }

func (p inProcess) InProcessConn() (net.Conn, error) {
	srv, err := p.s.current()
	if err != nil {
		return nil, err
	}
	return srv.InProcessConn()
}
