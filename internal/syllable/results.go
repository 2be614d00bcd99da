package syllable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strconv"

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

// Results asks for the results of a batch and copies the body to w as it
// comes. Whether it is a whole and valid list is for ReadResults to say: the
// body of an answer without a stated length can end early unnoticed.
//
// It returns what the platform calls this version of the list, if it does.
// Where known is that of an earlier answer and the list is still the same, the
// error is ErrNotModified and nothing was written.
func (c *Client) Results(ctx context.Context, batch string, f Filter, known Version, w io.Writer) (Version, error) {
	return c.fetch(ctx, request{
		op: "results of batch " + batch, path: "batches/" + segment(batch) + "/results",
		query: f.query(), limit: maxResults, known: known,
	}, func(r io.Reader) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// ReadResults reads a body that is one JSON array of objects and nothing else,
// and calls each with every object, in the body's order, as the platform's own
// bytes; the slice is valid during the call only.
//
// The results count only if ReadResults returns nil: until the end of the body
// was seen, what each was given may be the beginning of something broken.
func ReadResults(body io.Reader, each func(raw []byte) error) error {
	d, err := newDecoder(body, '[', "a list of results")
	if err != nil {
		return err
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

// Result is what is read of one result; Raw is all of it.
type Result struct {
	ReferenceID    string         `json:"reference_id"`
	RequestStatus  *string        `json:"request_status"`
	ChannelStatus  *string        `json:"channel_manager_status"`
	InsightsStatus *string        `json:"insights_status"`
	Insights       jsontext.Value `json:"insights"`
	AttemptCount   jsontext.Value `json:"attempt_count"`
	// Raw is the platform's object, verbatim.
	Raw []byte `json:"-"`
}

// maxReference bounds a reference id, in bytes, since it becomes part of
// event ids, headers and keys.
const maxReference = 1024

// ParseResult reads one result. It keeps raw.
func ParseResult(raw []byte) (Result, error) {
	var r Result
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, bodyError(err)
	}
	if r.ReferenceID == "" {
		return r, fmt.Errorf("%w: a result has no reference_id", ErrBody)
	}
	if len(r.ReferenceID) > maxReference {
		return r, fmt.Errorf("%w: a reference_id has %d bytes, more than %d", ErrBody, len(r.ReferenceID), maxReference)
	}
	r.Raw = raw
	return r, nil
}

// Attempts returns the attempt_count, 0 where it is not a number.
func (r Result) Attempts() float64 {
	n, err := strconv.ParseFloat(string(r.AttemptCount), 64)
	if err != nil {
		return 0
	}
	return n
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
