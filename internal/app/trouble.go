package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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

// refusalCounts is for how long what the server has refused may be the reason why
// nobody answers: longer than it takes until publishing is tried again.
const refusalCounts = time.Minute

// explain adds to an error of publishing what can be done about it, where the
// server does not say that.
func (a *App) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case isLimit(err) && a.server != nil:
		return fmt.Errorf("the embedded server holds as much as it may: raise NOTIFIER_NATS_MAX_STORE, or make room; "+
			"events wait in the state until then: %w", err)
	case isLimit(err):
		return fmt.Errorf("stream %s, its account or its server holds as much as it may: raise the limit, or make room; "+
			"events wait in the state until then: %w", a.cfg.NATSStream, err)
	}
	at, refusal := a.refusals.last()
	isNews := time.Since(at) < refusalCounts && !errors.Is(err, nats.ErrPermissionViolation)
	if isIllness(err) && isNews && errors.Is(refusal, nats.ErrPermissionViolation) {
		// Who may not publish gets no answer, and the connection is told why.
		return fmt.Errorf("NATS does not allow the user of the settings what is needed; allow that, "+
			"docs/operating.md lists it: %w (%w)", refusal, err)
	}
	return err
}

// explainLogin adds to an error of connecting which setting to look at.
func explainLogin(err error) error {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		alert     tls.AlertError
	)
	var look string
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired):
		look = "the login is refused; look at NOTIFIER_NATS_CREDS, NOTIFIER_NATS_TOKEN or the user in NOTIFIER_NATS_URL"
	case errors.As(err, &authority):
		look = "the server's certificate is signed by none that we trust; look at NOTIFIER_NATS_CA"
	case errors.As(err, &host), errors.As(err, &invalid):
		look = "the server's certificate is of another host or out of date; look at NOTIFIER_NATS_URL"
	case errors.As(err, &alert), strings.Contains(err.Error(), "remote error: tls"),
		strings.Contains(err.Error(), "closed by remote after TLS handshake"):
		look = "the server does not take our certificate; look at NOTIFIER_NATS_CERT and NOTIFIER_NATS_KEY"
	case errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted):
		look = "one side wants TLS and the other does not; look at NOTIFIER_NATS_URL"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", look, err)
}
