package syllable

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Version is what the platform calls a version of what it answered with, by
// the headers ETag and Last-Modified. The zero Version is none.
type Version struct{ etag, modified string }

// ErrNotModified says that what was asked for is still the known version.
var ErrNotModified = errors.New("not modified")

var (
	// errNoAnswer says that no answer came at all, and errBroke that one did
	// not come to its end.
	errNoAnswer = errors.New("no answer")
	errBroke    = errors.New("the answer broke off")
	// errCertificate says that whoever answered could not show to be the
	// platform. It was not even told the key.
	errCertificate = errors.New("the certificate cannot be trusted")
)

// request is one GET.
type request struct {
	op    string // in errors
	path  string // below the outbound API
	query url.Values
	limit int64 // of the body, in bytes
	known Version
}

// get asks for path and hands a bounded body of a 200 answer to read, which
// must consume it to its end.
func (c *Client) get(ctx context.Context, r request, read func(io.Reader) error) error {
	_, err := c.fetch(ctx, r, read)
	return err
}

func (c *Client) fetch(ctx context.Context, r request, read func(io.Reader) error) (Version, error) {
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return Version{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Version{}, fmt.Errorf("%s: %w: %w", r.op, errNoAnswer, explained(withoutURL(err)))
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusNotModified && r.known != Version{}:
		return r.known, ErrNotModified
	case resp.StatusCode != http.StatusOK:
		return Version{}, &StatusError{
			Op: r.op, Code: resp.StatusCode,
			RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
		}
	}
	a := &answer{boundedReader{resp.Body, r.limit}, nil}
	if err := read(a); err != nil {
		return Version{}, fmt.Errorf("%s: %w", r.op, withoutURL(a.blamed(err)))
	}
	return versionOf(resp.Header), nil
}

// answer is the body of one; it keeps the error that ended it, so that this is
// not taken for one of whoever took what was read.
type answer struct {
	boundedReader
	err error
}

// Read implements io.Reader.
func (a *answer) Read(p []byte) (int, error) {
	n, err := a.boundedReader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		a.err = err
	}
	return n, err
}

// blamed returns the error of a reader of the body as one of the answer, where
// it is that.
func (a *answer) blamed(err error) error {
	switch {
	case errors.Is(err, ErrBody), errors.Is(err, ErrTooLarge), a.err == nil:
		return err
	case errors.Is(a.err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it was cut off: %w", ErrBody, a.err)
	}
	return fmt.Errorf("%w: %w", errBroke, a.err)
}

// explained adds what to look at to the error of a request without an answer.
func explained(err error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: %w; check NOTIFIER_SYLLABLE_URL, and this machine's clock and root certificates",
			errCertificate, certificate.Err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("the connection was closed before an answer came: %w", err)
	}
	return err
}

// versionOf returns the version of an answer where it can be relied on: a weak
// ETag may stand for several bodies, and so may a Last-Modified, which counts
// in seconds, of the moment before the answer.
func versionOf(h http.Header) Version {
	var v Version
	if etag := h.Get("ETag"); !strings.HasPrefix(etag, "W/") {
		v.etag = etag
	}
	modified, err := http.ParseTime(h.Get("Last-Modified"))
	sent, errSent := http.ParseTime(h.Get("Date"))
	if err == nil && errSent == nil && sent.Sub(modified) >= 2*time.Second {
		v.modified = h.Get("Last-Modified")
	}
	return v
}

func (c *Client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	u := c.base + "/api/v1/outbound/" + r.path
	if len(r.query) > 0 {
		u += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.op, err)
	}
	req.Header.Set(keyHeader, string(c.key))
	req.Header.Set("Accept", "application/json")
	if r.known.etag != "" {
		req.Header.Set("If-None-Match", r.known.etag)
	}
	if r.known.modified != "" {
		req.Header.Set("If-Modified-Since", r.known.modified)
	}
	return req, nil
}
