package ops

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Options are what Handler needs.
type Options struct {
	// Checks decide whether the daemon is ready; with none it always is.
	Checks []Check
	// Token, where set, is asked for on all but the health paths.
	Token string
	// PrivateToken takes its place on the private paths where it is not set. With
	// neither, nobody gets an answer there.
	PrivateToken string
	// Backup returns a copy of the state, and its size. The copy is read at the
	// pace of who asked for it, which may be slow.
	Backup func(ctx context.Context) (io.ReadCloser, int64, error)
	// Status returns how the daemon is doing; Ready, Reasons and what is nil
	// are filled in. It may take until ctx ends.
	Status func(ctx context.Context) Status
	// Verifier verifies batches, nil for nobody.
	Verifier Verifier
}

// Handler returns the daemon's HTTP side.
func Handler(o Options) http.Handler {
	h := &handler{
		checks: o.Checks, state: o.Status, verifier: o.Verifier, backup: o.Backup,
		mux:   http.NewServeMux(),
		token: hashed(o.Token), private: hashed(cmp.Or(o.Token, o.PrivateToken)),
	}
	h.mux.HandleFunc("GET "+pathLive, live)
	h.mux.HandleFunc("GET "+pathReady, h.ready)
	h.mux.HandleFunc("GET "+pathHealth, h.ready)
	if o.Status != nil {
		h.mux.HandleFunc("GET "+pathStatus, h.getStatus)
		h.mux.Handle("GET "+pathMetrics, metricsHandler(h.status))
	}
	if o.Verifier != nil {
		h.mux.HandleFunc("GET "+pathVerify, h.getVerify)
	}
	if o.Backup != nil {
		h.mux.HandleFunc("GET "+pathBackup, h.privately(h.getBackup))
	}
	return h
}

func hashed(token string) *[sha256.Size]byte {
	if token == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(token))
	return &sum
}

type handler struct {
	checks   []Check
	state    func(context.Context) Status
	verifier Verifier
	backup   func(context.Context) (io.ReadCloser, int64, error)
	// copying is held while somebody gets a copy.
	copying sync.Mutex
	// token and private are the hashes of the tokens, nil if there is none: hashes
	// have one length, so that comparing them does not tell the token's.
	token, private *[sha256.Size]byte
	mux            *http.ServeMux
}

// ServeHTTP sets the headers that hold for every answer, turns away whom the
// package doc says, and leaves the rest to the path's own function.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	switch {
	case isHealth(r.URL.Path):
	case !h.hostAllowed(r):
		http.Error(w, "this address answers to the name localhost only: use it, or set NOTIFIER_HTTP_TOKEN "+
			"and send the token", http.StatusMisdirectedRequest)
		return
	case !h.tokenGiven(r):
		header.Set("WWW-Authenticate", `Bearer realm="notifier"`)
		http.Error(w, "the token of NOTIFIER_HTTP_TOKEN is needed, as Authorization: Bearer", http.StatusUnauthorized)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// privately turns away who does not have the token of the private paths; see the
// package doc.
func (h *handler) privately(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if has(r, h.private) {
			next(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="notifier"`)
		http.Error(w, "the token in the file http.token in the daemon's data folder is needed, as Authorization: Bearer",
			http.StatusUnauthorized)
	}
}

// trusted reports whether the caller may see more than the bare status.
func (h *handler) trusted(r *http.Request) bool {
	return h.hostAllowed(r) && h.tokenGiven(r)
}

// tokenGiven reports whether the request has the token, if one is needed.
func (h *handler) tokenGiven(r *http.Request) bool { return h.token == nil || has(r, h.token) }

// has reports whether the request has the token of which that is the hash.
func has(r *http.Request, want *[sha256.Size]byte) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(token))
	return want != nil && strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], want[:]) == 1
}

// hostAllowed reports whether the request's Host fits the address on which
// the request came in; see the package doc.
func (h *handler) hostAllowed(r *http.Request) bool {
	if h.token != nil {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return !ok || !local.IP.IsLoopback() || isLoopbackHost(r.Host)
}

// isLoopbackHost reports whether a Host header, with or without a port, is
// localhost or a loopback address.
func isLoopbackHost(hostport string) bool {
	host := hostport
	if h, port, err := net.SplitHostPort(hostport); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		host = h
	} else if inner, ok := strings.CutPrefix(hostport, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") || ip != nil && ip.IsLoopback()
}
