package recording

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// Player is an http.Handler that gives recorded answers: for each method, path
// and query in the order of the recording, and the last one for ever. What was
// never asked for is a 404. It asks for no key.
type Player struct {
	mu      sync.Mutex
	answers map[string][]Exchange
}

// NewPlayer returns a Player of a recording, none of which has been played.
func NewPlayer(recording []Exchange) *Player {
	p := &Player{answers: map[string][]Exchange{}}
	for _, e := range recording {
		k := key(e.Method, e.Path, e.Query)
		p.answers[k] = append(p.answers[k], e)
	}
	return p
}

// key makes the same of queries that differ in order, in escaping, or in what the
// recording masks.
func key(method, path, query string) string {
	query = maskQuery(query)
	if values, err := url.ParseQuery(query); err == nil {
		query = values.Encode()
	}
	return method + " " + path + "?" + query
}

// ServeHTTP gives the next answer.
func (p *Player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, ok := p.next(key(r.Method, r.URL.EscapedPath(), r.URL.RawQuery))
	if !ok {
		e.Status = http.StatusNotFound
		e.Header = map[string]string{"Content-Type": "application/json"}
		detail := fmt.Sprintf("the recording has no answer to %s %s with this query", r.Method, r.URL.EscapedPath())
		e.Body, _ = json.Marshal(map[string]string{"detail": detail}) // a text can be encoded
	}
	for name, value := range e.Header {
		w.Header().Set(name, value)
	}
	body := []byte(e.Body)
	if body == nil {
		body = []byte(e.BodyText)
	}
	if e.Cut {
		w.Header().Del("Content-Length") // with it, a short body would be a whole one
		w.WriteHeader(e.Status)
		w.Write(body)
		_ = http.NewResponseController(w).Flush() // or nothing of it arrives
		panic(http.ErrAbortHandler)
	}
	if e.Status != http.StatusNoContent && e.Status != http.StatusNotModified {
		// Also where the header of the recording says otherwise: the mask
		// may have changed the length.
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(e.Status)
	w.Write(body)
}

func (p *Player) next(key string) (Exchange, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answers := p.answers[key]
	if len(answers) == 0 {
		return Exchange{}, false
	}
	if len(answers) > 1 {
		p.answers[key] = answers[1:]
	}
	return answers[0], true
}
