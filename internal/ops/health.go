package ops

import (
	"encoding/json"
	"net/http"
)

// The health paths, which answer without a token.
const (
	pathLive   = "/livez"
	pathReady  = "/readyz"
	pathHealth = "/healthz"
)

func isHealth(path string) bool {
	return path == pathLive || path == pathReady || path == pathHealth
}

// Check is one condition of readiness.
type Check struct {
	// Name is the part of the daemon that is checked, such as nats.
	Name string
	// Ready returns nil if the part is ready. It is called for every request,
	// from several goroutines at once, so it must be quick. Operators see the
	// error's text: it must say what to do, and hold no secret and no call
	// data.
	Ready func() error
}

// The values of status in the answer to /readyz.
const (
	statusReady    = "ready"
	statusNotReady = "not ready"
)

// readiness is the answer to /readyz.
type readiness struct {
	Status string `json:"status"`
	// Reasons has the checks that did not pass, in the order of the checks.
	Reasons []Reason `json:"reasons,omitempty"`
}

// Reason is why a check did not pass.
type Reason struct {
	Check  string `json:"check"`
	Reason string `json:"reason"`
}

// live answers that the process is alive: that it answers is the proof. It
// asks no check, because whoever restarts the daemon when this fails would
// restart it for an outage elsewhere.
func live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok"))
}

// reasons runs the checks and returns those that did not pass.
func (h *handler) reasons() []Reason {
	reasons := []Reason{}
	for _, c := range h.checks {
		if err := c.Ready(); err != nil {
			reasons = append(reasons, Reason{Check: c.Name, Reason: err.Error()})
		}
	}
	return reasons
}

// ready runs the checks and answers what they say.
func (h *handler) ready(w http.ResponseWriter, r *http.Request) {
	answer, code := readiness{Status: statusReady, Reasons: h.reasons()}, http.StatusOK
	if len(answer.Reasons) > 0 {
		answer.Status, code = statusNotReady, http.StatusServiceUnavailable
	}
	if !h.trusted(r) {
		answer.Reasons = nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	// Reasons are read in terminals, and nosniff keeps browsers from taking
	// them for a page.
	enc.SetEscapeHTML(false)
	// The only error is a client that went away.
	_ = enc.Encode(answer)
}
