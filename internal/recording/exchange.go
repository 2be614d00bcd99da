package recording

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Exchange is one request and its answer: one line of a file. It has Body, or
// BodyText, or neither where the body was empty.
type Exchange struct {
	// Time is when the answer came.
	Time time.Time `json:"time"`
	// Method is GET, and so on.
	Method string `json:"method"`
	// Path is escaped as it was in the request, and begins with a slash.
	Path string `json:"path"`
	// Query is what followed the question mark.
	Query string `json:"query"`
	// Status is the HTTP status, 200 to 599.
	Status int `json:"status"`
	// Header holds those headers of the answer that matter, one value each.
	Header map[string]string `json:"header,omitempty"`
	// Body is a body that is JSON.
	Body json.RawMessage `json:"body,omitempty"`
	// BodyText is a body that is not.
	BodyText string `json:"body_text,omitempty"`
	// Cut says that the connection broke before the body had come to its end.
	Cut bool `json:"cut,omitempty"`
}

// New returns the exchange of a request whose answer has been read.
func New(at time.Time, r *http.Request, status int, header http.Header, body []byte) Exchange {
	e := Exchange{
		Time: at, Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Status: status,
		Header: map[string]string{},
	}
	for name := range header {
		e.Header[name] = header.Get(name)
	}
	if jsontext.Value(body).IsValid(anyNames) {
		e.Body = body
	} else {
		e.BodyText = string(body)
	}
	return e
}

// anyNames allows a key to occur twice in an object: that is what happened.
var anyNames = jsontext.AllowDuplicateNames(true)

// check says what is missing for the exchange to be played back.
func (e Exchange) check() error {
	switch {
	case e.Time.IsZero():
		return errors.New("time is missing")
	case e.Method == "":
		return errors.New("method is missing")
	case !strings.HasPrefix(e.Path, "/"):
		return errors.New("path must begin with a slash")
	case e.Status < 200 || e.Status > 599:
		return fmt.Errorf("status %d: want 200 to 599", e.Status)
	case len(e.Body) > 0 && e.BodyText != "":
		return errors.New("it has both body and body_text")
	}
	return nil
}
