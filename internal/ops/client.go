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

// ErrNoDaemon says that nobody answers where the daemon should.
var ErrNoDaemon = errors.New("no daemon answers")

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
	if port == "0" {
		return nil, fmt.Errorf("NOTIFIER_HTTP_ADDR=%s is any free port: set it to the address that the daemon has, "+
			"which its log tells as http in the line \"running\"", addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens on every address
	}
	return &Client{
		base: "http://" + net.JoinHostPort(host, port), token: token,
		http: &http.Client{
			// The daemon is here or at an address that was given: no proxy
			// needs to see the token.
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Status asks how the daemon is doing, of all batches or of one ("" for all).
// The second result is the answer as it came, with whatever a daemon of another
// version adds to it.
func (c *Client) Status(ctx context.Context, batch string) (Status, []byte, error) {
	q := ""
	if batch != "" {
		q = "?" + url.Values{"batch": {batch}}.Encode()
	}
	body, err := c.get(ctx, pathStatus+q)
	if err != nil {
		return Status{}, nil, err
	}
	var s Status
	if err := json.Unmarshal(body, &s); err != nil {
		return Status{}, nil, fmt.Errorf("the daemon's answer is not what it should be: is it another program? %w", err)
	}
	if s.Store == "" {
		return Status{}, nil, fmt.Errorf("what answers at %s is no notifier: set NOTIFIER_HTTP_ADDR to the daemon's own",
			c.address())
	}
	return s, body, nil
}

func (c *Client) address() string { return strings.TrimPrefix(c.base, "http://") }

// get returns the body of an answer with status 200.
func (c *Client) get(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	resp, err := c.ask(ctx, path, "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := refused(resp.StatusCode, path); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the daemon's answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the daemon's answer has more than %d bytes: ask for one batch", maxAnswer)
	}
	return body, nil
}

// ask sends a question, with the kind of answer that is wanted unless that is
// empty. The body of what it returns is to be closed.
func (c *Client) ask(ctx context.Context, path, accept string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fmt.Errorf("%w at %s: is it running, and is NOTIFIER_HTTP_ADDR its own? %w",
			ErrNoDaemon, c.address(), err)
	}
	return resp, nil
}

// refused says what an answer that is not 200 means, in our own words: what
// another program says may be anything.
func refused(code int, path string) error {
	switch {
	case code == http.StatusOK:
		return nil
	case code == http.StatusUnauthorized && isPrivate(path):
		return errors.New("the daemon asks for a token: set NOTIFIER_HTTP_TOKEN to the one it was started with, " +
			"or NOTIFIER_DATA_DIR to its folder, where it keeps one")
	case code == http.StatusUnauthorized:
		return errors.New("the daemon asks for a token: set NOTIFIER_HTTP_TOKEN to the one it was started with")
	case code == http.StatusMisdirectedRequest:
		return errors.New("the daemon answers to the name localhost only: set NOTIFIER_HTTP_ADDR to 127.0.0.1 " +
			"and its port")
	case code == http.StatusConflict && isPrivate(path):
		return errors.New("the daemon is giving a copy to somebody else: try again when that is done")
	case code == http.StatusInternalServerError && isPrivate(path):
		return errors.New("the daemon could not copy its state; its log says why")
	}
	return fmt.Errorf("the daemon answered %d %s: is it another program, or an older version?",
		code, http.StatusText(code))
}
