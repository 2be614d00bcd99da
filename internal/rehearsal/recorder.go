package rehearsal

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

// Recorder is a handler that keeps what another one showed, where that may be
// something else than what happened: with faults that show a status that no
// call had, an event of it is an observation, and no invention.
type Recorder struct {
	Next http.Handler

	mu    sync.Mutex
	lives map[call]*audit.Life
	order []call
}

type call struct{ batch, reference string }

// ServeHTTP passes the request on, and keeps the calls of an answer that is a
// whole list.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path, isList := strings.CutSuffix(req.URL.Path, "/results")
	if !isList {
		r.Next.ServeHTTP(w, req)
		return
	}
	c := &copying{ResponseWriter: w}
	// Kept also if the answer ends in a panic, which is how a handler cuts it.
	defer func() { r.keep(path[strings.LastIndexByte(path, '/')+1:], c.plain()) }()
	r.Next.ServeHTTP(c, req)
}

// copying keeps a copy of a body. Its owner may flush it and more.
type copying struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copying) Write(p []byte) (int, error) {
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}

// plain returns the body as a client reads it.
func (c *copying) plain() []byte {
	if c.Header().Get("Content-Encoding") != "gzip" {
		return c.body.Bytes()
	}
	z, err := gzip.NewReader(&c.body)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(z)
	if err != nil {
		return nil
	}
	return body
}

func (c *copying) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (r *Recorder) keep(batch string, body []byte) {
	var results []struct {
		ReferenceID    string  `json:"reference_id"`
		RequestStatus  *string `json:"request_status"`
		ChannelStatus  *string `json:"channel_manager_status"`
		InsightsStatus *string `json:"insights_status"`
	}
	if json.Unmarshal(body, &results) != nil {
		return // it is not strict JSON: nobody may believe it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lives == nil {
		r.lives = map[call]*audit.Life{}
	}
	for _, res := range results {
		k := call{batch, res.ReferenceID}
		l := r.lives[k]
		if l == nil {
			l = &audit.Life{Batch: batch, Reference: res.ReferenceID, Fields: map[event.Field][]*string{}}
			r.lives[k] = l
			r.order = append(r.order, k)
		}
		for f, v := range map[event.Field]*string{
			event.FieldRequestStatus: res.RequestStatus, event.FieldChannelStatus: res.ChannelStatus,
			event.FieldInsightsStatus: res.InsightsStatus,
		} {
			l.Fields[f] = append(l.Fields[f], v)
		}
	}
}

// Lives returns what was shown of every call, in the order of the answers, and
// at the end what really became of it.
func (r *Recorder) Lives(truth []audit.Life) []audit.Life {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]audit.Life, 0, len(r.order))
	for _, k := range r.order {
		l := *r.lives[k]
		l.Fields = maps.Clone(l.Fields) // what is shown later goes on changing it
		all = append(all, l)
	}
	for _, t := range truth {
		end := audit.Life{Batch: t.Batch, Reference: t.Reference, Removed: t.Removed, Fields: map[event.Field][]*string{}}
		for f, values := range t.Fields {
			if len(values) > 0 {
				end.Fields[f] = values[len(values)-1:]
			}
		}
		all = append(all, end)
	}
	return all
}
