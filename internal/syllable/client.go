package syllable

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// keyHeader carries the API key on every request.
	keyHeader = "Syllable-API-Key"

	// exchangeTimeout bounds a whole exchange, body included, so that a
	// server that sends a byte a second cannot hold a poll for ever. A batch
	// of 100,000 results is about 80 MB.
	exchangeTimeout = 2 * time.Minute

	// maxResults and maxPage bound a decoded body, in bytes: a million
	// results, or a page of batches.
	maxResults = 1 << 30
	maxPage    = 8 << 20
)

// Client talks to one account of the platform. It is safe for concurrent use.
type Client struct {
	base string // without a trailing slash
	key  Key
	http *http.Client

	transport *http.Transport // below whatever wraps it
}

// Key is an API key that prints as a placeholder.
type Key string

// String hides the key.
func (Key) String() string { return "[redacted]" }

// LogValue hides the key from slog.
func (Key) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// New returns a client for the API at base, such as
// https://api.syllable.cloud, that authenticates with key.
func New(base string, key Key, userAgent string) *Client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
		// Package net/http would bound what comes out of a compressed body
		// only; see compressed.
		DisableCompression: true,
	}
	return &Client{
		base:      strings.TrimRight(base, "/"),
		key:       key,
		transport: transport,
		http: &http.Client{
			Transport: compressed{withUserAgent{transport, userAgent}, maxCompressed},
			Timeout:   exchangeTimeout,
			// A redirect is answered as an error: following it would carry
			// the key to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Close closes the client's idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Wrap puts something around the transport, such as a recorder. It must be
// called before the first request.
func (c *Client) Wrap(wrap func(next http.RoundTripper) http.RoundTripper) {
	c.http.Transport = wrap(c.http.Transport)
}

type withUserAgent struct {
	next  *http.Transport
	agent string
}

func (t withUserAgent) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", t.agent)
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		// Package net/http would read it even where it does not follow, and
		// quote it in an error; it may repeat the query.
		resp.Header.Del("Location")
	}
	return resp, err
}

// segment escapes an id as one segment of a path. Dots alone would be taken for
// a way up and lead elsewhere.
func segment(id string) string {
	if id == "." || id == ".." {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}

// withoutURL takes the URL off a transport error: its query may carry a
// reference id.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
