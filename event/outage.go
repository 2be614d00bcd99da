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

// Encode returns the data as JSON.
func (o Outage) Encode() (json.RawMessage, error) {
	if o.Revision == 0 {
		return nil, errNoOutage
	}
	o.Since = o.Since.UTC()
	if o.Until != nil {
		until := o.Until.UTC()
		o.Until = &until
	}
	return json.Marshal(o)
}

var (
	errNoOutage  = errors.New("an event of the source needs a revision from 1")
	errNotOutage = errors.New("not the data of an event of the source")
)

// Outage decodes the data of an event of the source.
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
