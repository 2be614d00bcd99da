package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/event"
)

// Source is what is held of the platform as the source of all.
type Source struct {
	// Revision is the number of events that the source has had.
	Revision uint64 `json:"revision"`
	// Since is when the outage began that was told and has not ended, nil
	// while the platform answers.
	Since *time.Time `json:"since,omitempty"`
	// FailedPolls is how many polls had failed when that was told, and Cause
	// why.
	FailedPolls int    `json:"failed_polls,omitempty"`
	Cause       string `json:"cause,omitempty"`
}

// Source returns what is held of the source, the zero Source at first.
func (s *Store) Source() (Source, error) {
	var held Source
	err := s.view(func(tx *bolt.Tx) error {
		return top(tx, bucketMeta).getJSON(keySource, &held)
	})
	if err != nil {
		return held, fmt.Errorf("source: %w", err)
	}
	return held, nil
}

// PutSource replaces what is held of the source and appends the event that
// says why, in one transaction.
func (s *Store) PutSource(now Source, e event.Event) error {
	err := s.update(func(tx *bolt.Tx) error {
		if err := top(tx, bucketMeta).putJSON(keySource, now); err != nil {
			return err
		}
		t := Tx{outbox: top(tx, bucketOutbox)}
		return t.Append(e)
	})
	if err != nil {
		return fmt.Errorf("source: commit: %w", err)
	}
	s.signal()
	return nil
}
