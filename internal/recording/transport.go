package recording

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"
)

// maxRecorded bounds a body that is recorded, in bytes; a larger one goes to its
// reader alone.
const maxRecorded = 32 << 20

// Transport records the answers that pass through it, each once its body was
// read to the end or given up. It changes nothing about them.
type Transport struct {
	Next   http.RoundTripper
	Writer *Writer
	// Failed is told of an answer that could not be recorded.
	Failed func(error)
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &recorded{ReadCloser: resp.Body, done: func(body []byte, whole, cut bool) {
		if !whole && r.Context().Err() != nil {
			return // we gave it up: that says nothing of the platform
		}
		e := New(time.Now().UTC(), r, resp.StatusCode, resp.Header, body)
		e.Cut = cut
		if err := t.Writer.Add(e); err != nil {
			t.Failed(err)
		}
	}}
	return resp, nil
}

// recorded keeps a copy of a body as it is read.
type recorded struct {
	io.ReadCloser
	body bytes.Buffer
	over bool  // it is too large
	end  error // what the reader was told first: io.EOF, or why it is cut
	done func(body []byte, whole, cut bool)
}

func (b *recorded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.end == nil {
		b.end = err
	}
	if b.over = b.over || b.body.Len()+n > maxRecorded; b.over {
		b.body = bytes.Buffer{}
	} else {
		b.body.Write(p[:n])
	}
	return n, err
}

// Close records what was read. A body that a client gives up early, because it
// is no list, is recorded up to there, which is what the client saw of it.
func (b *recorded) Close() error {
	if !b.over && b.done != nil {
		whole := errors.Is(b.end, io.EOF)
		b.done(b.body.Bytes(), whole, b.end != nil && !whole)
	}
	b.done = nil
	return b.ReadCloser.Close()
}
