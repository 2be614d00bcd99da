package ops

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
)

// Recorded asks for the ids of all batches on record.
func (c *Client) Recorded(ctx context.Context) ([]string, error) {
	body, err := c.get(ctx, pathVerify)
	if err != nil {
		return nil, err
	}
	var b Batches
	if err := json.Unmarshal(body, &b); err != nil || b.Batches == nil {
		return nil, fmt.Errorf("what answers at %s is no notifier: set NOTIFIER_HTTP_ADDR to the daemon's own", c.address())
	}
	return b.Batches, nil
}

// Verify asks the daemon to compare stream and state of a batch, however long that
// takes, and tells progress how far it is. The second result is the answer as it
// came.
func (c *Client) Verify(
	ctx context.Context, batch string, progress func(read, of uint64),
) (Verification, json.RawMessage, error) {
	path := pathVerify + "?" + url.Values{"batch": {batch}}.Encode()
	resp, err := c.ask(ctx, path, progressType)
	if err != nil {
		return Verification{}, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get("Content-Type") != progressType {
		err := refused(resp.StatusCode, path)
		return Verification{}, nil, cmp.Or(err, errors.New("the daemon's answer is not what it should be"))
	}
	return c.outcome(resp.Body, progress)
}

// outcome reads the lines of an answer up to the last one.
func (c *Client) outcome(body io.Reader, progress func(read, of uint64)) (Verification, json.RawMessage, error) {
	lines := bufio.NewScanner(io.LimitReader(body, maxAnswer))
	lines.Buffer(nil, maxAnswer)
	for lines.Scan() {
		var line struct {
			Progress
			Result json.RawMessage `json:"result"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return Verification{}, nil, fmt.Errorf(
				"the daemon's answer is not what it should be: is it another program? %w", err)
		}
		switch {
		case line.Error != "":
			return Verification{}, nil, errors.New(line.Error)
		case line.Result != nil:
			var v Verification
			if err := json.Unmarshal(line.Result, &v); err != nil {
				return v, nil, fmt.Errorf("the daemon's answer: %w", err)
			}
			return v, line.Result, nil
		}
		progress(line.Read, line.Of)
	}
	if err := lines.Err(); err != nil {
		return Verification{}, nil, fmt.Errorf("the daemon's answer broke off: is it still running? %w", err)
	}
	return Verification{}, nil, errors.New("the daemon's answer broke off: is it still running?")
}
