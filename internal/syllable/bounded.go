package syllable

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ErrTooLarge says that a body went past its bound; it is not read further.
var ErrTooLarge = errors.New("the body is larger than allowed")

// boundedReader fails past its limit, where io.LimitReader would end the body
// early and make it look whole.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		n, err := b.r.Read(one[:])
		if n > 0 {
			return 0, ErrTooLarge
		}
		return 0, err
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

// maxCompressed bounds a compressed body, in bytes. Without it a body that
// decodes to nothing could go on until the deadline.
const maxCompressed = 256 << 20

// compressed asks for gzip and decodes it, with a bound on what goes in; what
// comes out is bounded by the reader of the body.
type compressed struct {
	next  http.RoundTripper
	limit int64 // of what goes in, in bytes
}

// RoundTrip implements http.RoundTripper.
func (t compressed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := t.next.RoundTrip(r)
	if err != nil || !strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		return resp, err
	}
	resp.Body = &gzipBody{body: resp.Body, limit: t.limit}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength, resp.Uncompressed = -1, true
	return resp, nil
}

// gzipBody decodes a body from its first Read on.
type gzipBody struct {
	body  io.ReadCloser
	limit int64
	r     *gzip.Reader
}

// Read implements io.Reader.
func (b *gzipBody) Read(p []byte) (int, error) {
	if b.r == nil {
		r, err := gzip.NewReader(&boundedReader{b.body, b.limit})
		if err != nil {
			return 0, gzipError(err)
		}
		b.r = r
	}
	n, err := b.r.Read(p)
	return n, gzipError(err)
}

// gzipError says that it is the body's fault where it is.
func gzipError(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return fmt.Errorf("%w: its compression is broken", ErrBody)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it was cut off: %w", ErrBody, err)
	}
	return err
}

// Close implements io.Closer.
func (b *gzipBody) Close() error { return b.body.Close() }
