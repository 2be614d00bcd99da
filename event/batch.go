package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Names of a batch's own events that no status of the platform gives.
const (
	// BatchDiscovered says that a batch is watched from now on.
	BatchDiscovered = "batch.discovered"
	// BatchCompleted says that every call of the batch has ended and no
	// insight is pending; its data have a Manifest.
	BatchCompleted = "batch.completed"
	// BatchReopened says that something changed after BatchCompleted.
	BatchReopened = "batch.reopened"
)

// KindBatch is the kind of a batch's own events, and FieldStatus the field of
// those that the platform's status of the batch gives.
const (
	KindBatch   Kind  = "batch"
	FieldStatus Field = "status"
)

// Batch is the data of a batch's own event.
type Batch struct {
	// BatchID is the platform's batch id, such as 20260822.9.
	BatchID string `json:"batch_id"`
	// CampaignID is the batch's campaign, null where it is not known.
	CampaignID *int64 `json:"campaign_id"`
	// Field is "status" where the platform's status of the batch changed, and
	// absent in the other events.
	Field Field `json:"field,omitempty"`
	// From is the status before, null on first sight, absent in the other events.
	From *string `json:"from,omitempty"`
	// To is the status now, absent in the other events.
	To *string `json:"to,omitempty"`
	// Revision counts the events of this batch from 1, without gaps; calls
	// count their own.
	Revision uint64 `json:"revision"`
	// Observed is the time between which it happened.
	Observed Observed `json:"observed"`
	// Manifest sums the batch up, in batch.completed alone.
	Manifest *Manifest `json:"manifest,omitempty"`
	// Batch is the platform's object as last seen, verbatim, unknown fields
	// included; {} if the platform has never shown it.
	Batch json.RawMessage `json:"batch"`
}

// changedBatch is a Batch whose status changed: from is null on first sight then,
// not absent.
type changedBatch struct {
	BatchID    string          `json:"batch_id"`
	CampaignID *int64          `json:"campaign_id"`
	Field      Field           `json:"field"`
	From       *string         `json:"from"`
	To         *string         `json:"to"`
	Revision   uint64          `json:"revision"`
	Observed   Observed        `json:"observed"`
	Manifest   *Manifest       `json:"manifest,omitempty"`
	Batch      json.RawMessage `json:"batch"`
}

// Manifest sums up a batch whose calls have ended. Each count is by the value
// that the platform writes; null is counted as "null".
type Manifest struct {
	// Calls is how many calls the platform lists in the batch.
	Calls int `json:"calls"`
	// RequestStatus counts them by request_status.
	RequestStatus map[string]int `json:"request_status"`
	// ChannelStatus counts them by channel_manager_status.
	ChannelStatus map[string]int `json:"channel_manager_status"`
	// InsightsStatus counts them by insights_status.
	InsightsStatus map[string]int `json:"insights_status"`
	// Rating counts those whose insights have a rating by it.
	Rating map[string]int `json:"rating,omitempty"`
	// Events is how many events of its calls there were, calls that the platform
	// no longer lists included.
	Events uint64 `json:"events"`
	// First is when the first of them was observed, null if there was none.
	First *time.Time `json:"first"`
	// Last is when the last of them was observed, null if there was none.
	Last *time.Time `json:"last"`
}

// Encode returns the data as JSON, Batch byte for byte, space around it left
// out. Times are written in UTC.
//
// An error says that it cannot be an event: the batch id is empty, the revision
// is 0, Batch is not a JSON object, or a text is not UTF-8.
func (b Batch) Encode() (json.RawMessage, error) {
	object := bytes.TrimSpace(b.Batch)
	if err := b.check(object); err != nil {
		return nil, fmt.Errorf("event of batch %q: %w", b.BatchID, err)
	}
	b.Observed = b.Observed.utc()
	b.Manifest = b.Manifest.normal()
	b.Batch = nil
	var v any = b
	if b.Field != "" {
		v = changedBatch(b)
	}
	data, err := encodeWith(v, object)
	if err != nil {
		return nil, fmt.Errorf("event of batch %q: %w", b.BatchID, err)
	}
	return data, nil
}

func (b Batch) check(object []byte) error {
	if b.BatchID == "" || b.Revision == 0 {
		return errNoBatch
	}
	return errors.Join(
		checkText(&b.BatchID, (*string)(&b.Field), b.From, b.To),
		b.Manifest.check(),
		checkObject(object),
	)
}

// counts are the counts that are always there, by what they go.
func (m *Manifest) counts() []*map[string]int {
	return []*map[string]int{&m.RequestStatus, &m.ChannelStatus, &m.InsightsStatus}
}

// check looks at the words that the platform wrote.
func (m *Manifest) check() error {
	if m == nil {
		return nil
	}
	for _, counts := range append(m.counts(), &m.Rating) {
		for word := range *counts {
			if err := checkText(&word); err != nil {
				return err
			}
		}
	}
	return nil
}

// normal returns the manifest as it is written: times in UTC, and counts of
// nothing as empty objects, since the schema has no null there.
func (m *Manifest) normal() *Manifest {
	if m == nil {
		return nil
	}
	n := *m
	n.First, n.Last = utc(m.First), utc(m.Last)
	for _, counts := range n.counts() {
		if *counts == nil {
			*counts = map[string]int{}
		}
	}
	return &n
}

var (
	errNoBatch  = errors.New("a batch's event needs a batch id and a revision from 1")
	errNotBatch = errors.New("not the data of a batch's event")
)

// Batch decodes the data of a batch's own event. An error says that they cannot
// be read, or are those of a call, of another batch or of another revision.
func (e Event) Batch() (Batch, error) {
	var b Batch
	if err := json.Unmarshal(e.Data, &b); err != nil {
		return b, fmt.Errorf("event %s: data: %w", e.ID.Redacted(), err)
	}
	if e.ID.Scope != ScopeBatch || b.BatchID != e.ID.Batch || b.Revision != e.ID.Revision {
		return b, fmt.Errorf("event %s: %w", e.ID.Redacted(), errNotBatch)
	}
	return b, nil
}
