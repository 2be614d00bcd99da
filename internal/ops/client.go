package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// clientTimeout bounds a question to the daemon, and maxAnswer the answer, in
// bytes.
const (
	clientTimeout = 15 * time.Second
	maxAnswer     = 64 << 20
)

// Client asks a running daemon.
type Client struct {
	base, token string
	http        *http.Client
}

// NewClient returns a client of the daemon that listens at addr, as
// NOTIFIER_HTTP_ADDR has it, and asks for token unless that is empty.
func NewClient(addr, token string) (*Client, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("NOTIFIER_HTTP_ADDR=%s: want host:port of the running daemon: %w", addr, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens on every address
	}
	return &Client{
		base: "http://" + net.JoinHostPort(host, port), token: token,
		http: &http.Client{
			Timeout: clientTimeout,
			// The daemon is here or at an address that was given: no proxy
			// needs to see the token.
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Status asks how the daemon is doing, of all batches or of one.
func (c *Client) Status(ctx context.Context, batch string) (Status, error) {
	var s Status
	q := ""
	if batch != "" {
		q = "?" + url.Values{"batch": {batch}}.Encode()
	}
	err := c.get(ctx, pathStatus+q, &s)
	return s, err
}

func (c *Client) get(ctx context.Context, path string, out any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("no daemon answers at %s: is it running, and is NOTIFIER_HTTP_ADDR its own? %w",
			strings.TrimPrefix(c.base, "http://"), err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return errors.New("the daemon asks for a token: set NOTIFIER_HTTP_TOKEN to the one it was started with")
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the daemon answered %s: is it another program, or an older version?", resp.Status)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("the daemon's answer is not what it should be: is it another program? %w", err)
	}
	return nil
}
