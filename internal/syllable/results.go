package syllable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Filter limits a list of results; an empty field does not limit.
type Filter struct {
	ReferenceID    string
	Status         string
	InsightsStatus string
}

func (f Filter) query() url.Values {
	q := url.Values{}
	for name, v := range map[string]string{
		"reference_id": f.ReferenceID, "status": f.Status, "insights_status": f.InsightsStatus,
	} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q
}

// Results asks for the results of a batch and calls each with every result,
// in the body's order, as the platform's own bytes; the slice is valid during
// the call only.
//
// The results count only if Results returns nil: until the end of the body
// was seen, what each was given may be the beginning of something broken.
func (c *Client) Results(ctx context.Context, batch string, f Filter, each func(raw []byte) error) error {
	path := "batches/" + url.PathEscape(batch) + "/results"
	return c.get(ctx, "results of batch "+batch, path, f.query(), maxResults, func(r io.Reader) error {
		return readArray(r, each)
	})
}

// readArray reads one JSON array of objects and nothing else.
func readArray(r io.Reader, each func(raw []byte) error) error {
	d := jsontext.NewDecoder(r)
	if k := d.PeekKind(); k != '[' {
		if _, err := d.ReadToken(); err != nil {
			return bodyError(err)
		}
		return fmt.Errorf("%w: want a list of results, got %s", ErrBody, kindName(k))
	}
	if _, err := d.ReadToken(); err != nil {
		return bodyError(err)
	}
	for d.PeekKind() != ']' {
		if k := d.PeekKind(); k != '{' && k != 0 {
			return fmt.Errorf("%w: want a list of objects, got %s in it", ErrBody, kindName(k))
		}
		v, err := d.ReadValue()
		if err != nil {
			return bodyError(err)
		}
		if err := each(v); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return bodyError(err)
	}
	return end(d)
}

// end makes sure that nothing but white space follows.
func end(d *jsontext.Decoder) error {
	_, err := d.ReadToken()
	switch {
	case err == io.EOF:
		return nil
	case err == nil:
		return fmt.Errorf("%w: something follows its end", ErrBody)
	}
	return bodyError(err)
}

// bodyError classes a decoder's error. The decoder's own text may quote the
// body (a duplicate name, say), so only the kind of fault and its place are
// told.
func bodyError(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it was cut off: %w", ErrBody, io.ErrUnexpectedEOF)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Errorf("%w: an object has the same key twice", ErrBody)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: not JSON at byte %d", ErrBody, syntax.ByteOffset)
	case errors.As(err, &semantic):
		return fmt.Errorf("%w: a field has the wrong type (%s where %v is wanted)",
			ErrBody, kindName(semantic.JSONKind), semantic.GoType)
	}
	return err
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "something else"
}

// Result is what is read of one result; Raw is all of it.
type Result struct {
	ReferenceID    string         `json:"reference_id"`
	RequestStatus  *string        `json:"request_status"`
	ChannelStatus  *string        `json:"channel_manager_status"`
	InsightsStatus *string        `json:"insights_status"`
	Insights       jsontext.Value `json:"insights"`
	// Raw is the platform's object, verbatim.
	Raw []byte `json:"-"`
}

// ParseResult reads one result. It keeps raw.
func ParseResult(raw []byte) (Result, error) {
	var r Result
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, bodyError(err)
	}
	if r.ReferenceID == "" {
		return r, fmt.Errorf("%w: a result has no reference_id", ErrBody)
	}
	r.Raw = raw
	return r, nil
}

// InsightsFingerprint returns the first 16 hex digits of the SHA-256 of the
// compact insights, and nil where there are none (absent or null).
func (r Result) InsightsFingerprint() (*string, error) {
	if len(r.Insights) == 0 || r.Insights.Kind() == 'n' {
		return nil, nil //nolint:nilnil // null is a value here, not a missing one
	}
	v := r.Insights.Clone()
	if err := v.Compact(); err != nil {
		return nil, bodyError(err)
	}
	sum := sha256.Sum256(v)
	s := hex.EncodeToString(sum[:8])
	return &s, nil
}
