package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
)

// Writer writes exchanges, masked. It is safe for concurrent use.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter returns a Writer that writes to w: one Write for each exchange, so
// that a file never ends within a line unless the system itself cut it off.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Add writes one line. An exchange that could not be played back is an error;
// nothing is written then. The exchange itself is not changed.
func (w *Writer) Add(e Exchange) error {
	if err := e.check(); err != nil {
		return fmt.Errorf("record an exchange: %w", err)
	}
	masked, err := mask(e)
	if err != nil {
		return fmt.Errorf("record %s %s: %w", e.Method, e.Path, err)
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line) // it ends the line
	enc.SetEscapeHTML(false)
	if err := enc.Encode(masked); err != nil {
		return fmt.Errorf("record %s %s: encode: %w", e.Method, e.Path, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.w.Write(line.Bytes()); err != nil {
		return fmt.Errorf("record %s %s: %w", e.Method, e.Path, err)
	}
	return nil
}

// keptHeaders tell a client how to treat an answer. Others are the business of
// the connection, or could carry a secret.
var keptHeaders = map[string]bool{
	"Content-Type": true, "Retry-After": true, "Etag": true, "Last-Modified": true, "Location": true,
}

func keep(header map[string]string) map[string]string {
	kept := maps.Clone(header)
	maps.DeleteFunc(kept, func(name, _ string) bool { return !keptHeaders[http.CanonicalHeaderKey(name)] })
	return kept
}
