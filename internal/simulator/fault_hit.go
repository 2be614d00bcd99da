package simulator

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// hit is one answer that is to be spoilt.
type hit struct {
	w        http.ResponseWriter
	r        *http.Request
	truth    recorded
	argument string
	random   *rand.Rand
	seen     int // objects that oneIn was asked about
}

// recorded is an answer as the handler gave it. It is an http.ResponseWriter.
type recorded struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *recorded) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *recorded) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *recorded) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// pass gives the true answer.
func (h *hit) pass() {
	maps.Copy(h.w.Header(), h.truth.Header())
	h.truth.WriteHeader(http.StatusOK) // where the handler wrote nothing
	h.w.WriteHeader(h.truth.status)
	h.w.Write(h.truth.body.Bytes())
}

// replace gives another body under a 200.
func (h *hit) replace(kind string, body []byte) bool {
	h.w.Header().Set("Content-Type", kind)
	h.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	h.w.WriteHeader(http.StatusOK)
	h.w.Write(body)
	return true
}

const jsonType = "application/json"

// fine says whether there is an answer whose content can be spoilt.
func (h *hit) fine() bool { return h.truth.status == http.StatusOK && h.truth.body.Len() > 0 }

// abort breaks off the connection, which is what a panic with this value is for.
func abort() { panic(http.ErrAbortHandler) }

// flush sends what was written; without a body length, net/http then sends it
// in chunks. What cannot be flushed is sent in the end.
func (h *hit) flush() { _ = http.NewResponseController(h.w).Flush() }
