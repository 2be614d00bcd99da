package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Names of the source's events.
const (
	// SourceUnreachable says that the platform does not answer as it should.
	SourceUnreachable = "source.unreachable"
	// SourceRecovered says that it does again.
	SourceRecovered = "source.recovered"
)

// Outage is the data of the source's events.
type Outage struct {
	// Revision counts these events from 1, without gaps.
	Revision uint64 `json:"revision"`
	// Since is when the first poll of the outage failed.
	Since time.Time `json:"since"`
	// Until is when a poll succeeded again; absent in source.unreachable.
	Until *time.Time `json:"until,omitempty"`
	// FailedPolls is how many polls have failed since.
	FailedPolls int `json:"failed_polls"`
	// Cause is why the newest of them failed, in words.
	Cause string `json:"cause"`
}

// Encode returns the data as JSON, times in UTC. An error says that it cannot be
// an event: the revision is 0, or the cause is not UTF-8.
func (o Outage) Encode() (json.RawMessage, error) {
	if o.Revision == 0 {
		return nil, errNoOutage
	}
	o.Since, o.Until = o.Since.UTC(), utc(o.Until)
	if err := checkText(&o.Cause); err != nil {
		return nil, fmt.Errorf("event of the source: %w", err)
	}
	b, err := encode(o, len(o.Cause)+192)
	if err != nil {
		return nil, fmt.Errorf("event of the source: %w", err)
	}
	return b.Bytes(), nil
}

var (
	errNoOutage  = errors.New("an event of the source needs a revision from 1")
	errNotOutage = errors.New("not the data of an event of the source")
)

// Outage decodes the data of an event of the source. An error says that they
// cannot be read, or are of another revision or scope.
func (e Event) Outage() (Outage, error) {
	var o Outage
	if err := json.Unmarshal(e.Data, &o); err != nil {
		return o, fmt.Errorf("event %s: data: %w", e.ID.Redacted(), err)
	}
	if e.ID.Scope != ScopeSource || o.Revision != e.ID.Revision {
		return o, fmt.Errorf("event %s: %w", e.ID.Redacted(), errNotOutage)
	}
	return o, nil
}
