package store

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/event"
)

// Parked is an event that could not be published or delivered.
type Parked struct {
	By     string      `json:"by"` // "relay", or the sink's name
	Reason string      `json:"reason"`
	At     time.Time   `json:"at"`
	Event  event.Event `json:"-"`
}

// byRelay is the Parked.By of what could not be published.
const byRelay = "relay"

// Park keeps an event that a sink can never take.
func (s *Store) Park(p Parked) error {
	if err := s.update(func(tx *bolt.Tx) error { return park(tx, p) }); err != nil {
		return fmt.Errorf("park event %s: %w", p.Event.ID.Redacted(), err)
	}
	return nil
}

func park(tx *bolt.Tx, p Parked) error {
	payload, err := encodeHead(p, encodeEvent(p.Event))
	if err != nil {
		return err
	}
	return counted(tx, bucketParked, func(parked bucket) error {
		n, err := parked.b.NextSequence()
		if err != nil {
			return err
		}
		return parked.put(sequenceKey(n), payload)
	})
}

// ParkedCount returns how many events are parked.
func (s *Store) ParkedCount() int {
	n := 0
	_ = s.view(func(tx *bolt.Tx) error { // it reads the tree alone
		n = tx.Bucket(bucketParked).Stats().KeyN
		return nil
	})
	return n
}

// ParkedEvents returns what was parked, the oldest first.
func (s *Store) ParkedEvents() ([]Parked, error) {
	var out []Parked
	err := s.view(func(tx *bolt.Tx) error {
		parked := top(tx, bucketParked)
		return parked.b.ForEach(func(k, v []byte) error {
			payload, err := parked.unseal(k, v)
			if err != nil {
				return err
			}
			var p Parked
			rest, err := decodeHead(payload, &p)
			if err != nil {
				return err
			}
			if p.Event, err = decodeEvent(rest); err != nil {
				return err
			}
			out = append(out, p)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("parked events: %w", err)
	}
	return out, nil
}
