package natsd

import (
	"log/slog"
	"net"

	"github.com/nats-io/nats-server/v2/server"
)

// JetStreamConfig returns what the running server says about its JetStream.
func (s *Server) JetStreamConfig() *server.JetStreamConfig {
	return s.srv.JetStreamConfig()
}

// OtherListeners returns the addresses of nats-server's monitoring, profiling
// and cluster listeners, nil for each that is off.
func (s *Server) OtherListeners() []net.Addr {
	var open []net.Addr
	if a := s.srv.MonitorAddr(); a != nil {
		open = append(open, a)
	}
	if a := s.srv.ClusterAddr(); a != nil {
		open = append(open, a)
	}
	if a := s.srv.ProfilerAddr(); a != nil {
		open = append(open, a)
	}
	return open
}

// NewLogger returns the adapter that nats-server logs to.
func NewLogger(log *slog.Logger, token string) server.Logger {
	return &logger{log: log, token: token}
}
