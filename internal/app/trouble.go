package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Error codes of JetStream that the client library does not name.
const (
	codeAccountLimit    jetstream.ErrorCode = 10002
	codeServerLimit     jetstream.ErrorCode = 10023
	codeStoreFailed     jetstream.ErrorCode = 10077
	codeBatchIncomplete jetstream.ErrorCode = 10176
)

// isIllness says whether an error of publishing is one that a server which is
// well does not give: silence, or that it cannot write. That it is at a limit is
// none: a restart would not make room.
func isIllness(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) {
		return true
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) || isLimit(err) {
		return false
	}
	// Where the disk is full, the messages of a batch are refused one by one,
	// unseen, and its end is told that there is no such batch.
	return api.ErrorCode == codeBatchIncomplete || api.ErrorCode == codeStoreFailed
}

// isLimit says whether an error of publishing is that the server, the account or
// the stream holds as much as it may.
func isLimit(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	if api.ErrorCode == codeStoreFailed {
		return strings.Contains(api.Description, "maximum") // messages or bytes exceeded
	}
	return slices.Contains([]jetstream.ErrorCode{codeAccountLimit, codeServerLimit}, api.ErrorCode)
}

// explain adds to an error of publishing what can be done about it, where the
// server does not say that.
func (a *App) explain(err error) error {
	switch {
	case !isLimit(err):
		return err
	case a.server != nil:
		return fmt.Errorf("the embedded server holds as much as it may: raise NOTIFIER_NATS_MAX_STORE, or make room; "+
			"events wait in the state until then: %w", err)
	default:
		return fmt.Errorf("stream %s, its account or its server holds as much as it may: raise the limit, or make room; "+
			"events wait in the state until then: %w", a.cfg.NATSStream, err)
	}
}
