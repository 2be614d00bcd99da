package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
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
	// Result is the platform's object, verbatim, unknown fields included.
	Result json.RawMessage `json:"result"`
}

// Observed bounds the time of a change by two successful polls of the batch.
type Observed struct {
	// After is the previous successful poll, null if this was the first.
	After *time.Time `json:"after"`
	// Until is the poll that saw the change.
	Until time.Time `json:"until"`
}

// Encode returns the data as JSON. Result is put in byte for byte, which
// json.Marshal would not do: it escapes <, > and &, and takes out spaces.
func (c Call) Encode() (json.RawMessage, error) {
	result := bytes.TrimSpace(c.Result)
	if len(result) == 0 || result[0] != '{' || !json.Valid(result) {
		return nil, fmt.Errorf("call %s of batch %s: %w", c.ReferenceID, c.BatchID, errNotObject)
	}
	c.Result = nil
	var b bytes.Buffer
	b.Grow(len(result) + 384)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("call %s of batch %s: %w", c.ReferenceID, c.BatchID, err)
	}
	// Result is the last field and null: put the object in its place.
	b.Truncate(b.Len() - len("null}\n"))
	b.Write(result)
	b.WriteByte('}')
	return b.Bytes(), nil
}

var errNotObject = errors.New("the result is not a JSON object")
