package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxAnswer bounds what is read of an answer, in bytes. Slack echoes the
// message, of which the largest is a small part of this.
const maxAnswer = 1 << 20

var errNotSlack = errors.New("the answer is not one of Slack's Web API: " +
	"check the API URL, and proxies on the way")

// answers is the HTTP client under slack-go. It reduces each answer to the few
// fields that matter before slack-go reads it, for two reasons:
//
//   - slack-go decodes the message that Slack echoes, and takes an echo that
//     it does not understand for a failure. The message stands in the channel
//     by then, and would be posted again and again.
//   - slack-go takes an answer with neither ok nor error, such as {} from a
//     proxy, for a success. The event would be lost.
type answers struct{ http *http.Client }

// answer is what is kept of an answer.
type answer struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error,omitempty"`
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
	Needed  string `json:"needed,omitempty"`
	Meta    struct {
		Messages []string `json:"messages,omitempty"`
	} `json:"response_metadata"`
}

// Do makes a request. It leaves answers with a status other than 200 alone:
// slack-go judges them by their status.
func (a answers) Do(req *http.Request) (*http.Response, error) {
	resp, err := a.http.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	body, err = reduce(body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func reduce(body []byte) ([]byte, error) {
	var kept answer
	err := json.Unmarshal(body, &kept)
	// A field of an unexpected type does not make a posted message unposted:
	// the others have been read.
	if wrong := new(json.UnmarshalTypeError); err != nil && !errors.As(err, &wrong) {
		return nil, errNotSlack
	}
	if !kept.OK && kept.Error == "" {
		return nil, errNotSlack
	}
	return json.Marshal(kept)
}
