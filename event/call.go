package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Call is the data of a call event: what changed, when it was observed, and
// the platform's object as it was then.
type Call struct {
	// BatchID is the platform's batch id, such as 20260822.9.
	BatchID string `json:"batch_id"`
	// CampaignID is the batch's campaign, null where it is not known.
	CampaignID *int64 `json:"campaign_id"`
	// ReferenceID identifies the call within its batch.
	ReferenceID string `json:"reference_id"`
	// Field is the field that changed.
	Field Field `json:"field"`
	// From is the field's value before; null on first sight, or where the
	// platform's value was null.
	From *string `json:"from"`
	// To is the field's value now; null where the platform's value is null.
	To *string `json:"to"`
	// Revision counts the events of this call from 1, without gaps.
	Revision uint64 `json:"revision"`
	// Observed is the time between which the change happened.
	Observed Observed `json:"observed"`
	// Result is the platform's object, verbatim, unknown fields included; in
	// request.removed, where there is none any more, its reference_id alone.
	Result json.RawMessage `json:"result"`
}

// Observed bounds the time of a change by two successful polls of the batch.
type Observed struct {
	// After is the previous successful poll, null if this was the first.
	After *time.Time `json:"after"`
	// Until is the poll that saw the change.
	Until time.Time `json:"until"`
}

// Encode returns the data as JSON. Result is put in byte for byte, space
// around it left out, which json.Marshal would not do: it escapes <, > and &,
// and takes out spaces. Times are written in UTC.
//
// An error says that the call cannot be an event: batch or reference id is
// empty, the revision is 0, Result is not a JSON object, or a text is not
// UTF-8. JSON has no way to write such a text, and to replace bytes in it
// would make one call look like another.
func (c Call) Encode() (json.RawMessage, error) {
	result := bytes.TrimSpace(c.Result)
	if err := c.check(result); err != nil {
		return nil, fmt.Errorf("call %q of batch %q: %w", Redact(c.ReferenceID), c.BatchID, err)
	}
	c.Observed = c.Observed.utc()
	c.Result = nil
	data, err := encodeWith(c, result)
	if err != nil {
		return nil, fmt.Errorf("call %q of batch %q: %w", Redact(c.ReferenceID), c.BatchID, err)
	}
	return data, nil
}

func (o Observed) utc() Observed {
	o.Until, o.After = o.Until.UTC(), utc(o.After)
	return o
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// encodeWith encodes v, whose last field is null, and puts the object in the
// place of that null, byte for byte.
func encodeWith(v any, object []byte) (json.RawMessage, error) {
	b, err := encode(v, len(object)+384)
	if err != nil {
		return nil, err
	}
	b.Truncate(b.Len() - len("null}"))
	b.Write(object)
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal without the escapes of <, > and & for HTML.
func encode(v any, size int) (*bytes.Buffer, error) {
	var b bytes.Buffer
	b.Grow(size)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	b.Truncate(b.Len() - len("\n"))
	return &b, nil
}

var (
	errNoID       = errors.New("an event needs a batch id, a reference id and a revision from 1")
	errNotObject  = errors.New("the platform's object is not a JSON object")
	errNotUnicode = errors.New("an id, a value or the platform's object is not valid UTF-8")
)

func (c Call) check(result []byte) error {
	if c.BatchID == "" || c.ReferenceID == "" || c.Revision == 0 {
		return errNoID
	}
	return errors.Join(
		checkText(&c.BatchID, &c.ReferenceID, (*string)(&c.Field), c.From, c.To),
		checkObject(result),
	)
}

func checkText(texts ...*string) error {
	for _, s := range texts {
		if s != nil && !utf8.ValidString(*s) {
			return errNotUnicode
		}
	}
	return nil
}

func checkObject(object []byte) error {
	if len(object) == 0 || object[0] != '{' || !json.Valid(object) {
		return errNotObject
	}
	if !utf8.Valid(object) {
		return errNotUnicode
	}
	return nil
}
