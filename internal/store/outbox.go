package store

import (
	"bytes"
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

// Outbox calls each with up to limit events in order, the oldest first, and
// stops before their data passes maxBytes; it gives at least one if there is
// any. A sequence grows and is never used again.
func (s *Store) Outbox(limit, maxBytes int, each func(sequence uint64, e event.Event)) error {
	err := s.view(func(tx *bolt.Tx) error {
		outbox := top(tx, bucketOutbox)
		c := outbox.b.Cursor()
		n, size := 0, 0
		for k, v := c.First(); k != nil && n < limit; k, v = c.Next() {
			payload, err := outbox.unseal(k, v)
			if err != nil {
				return err
			}
			e, err := decodeEvent(payload)
			if err != nil {
				return err
			}
			if size += len(e.Data); size > maxBytes && n > 0 {
				return nil
			}
			sequence, err := sequenceOf(k)
			if err != nil {
				return err
			}
			n++
			each(sequence, e)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return nil
}

// Pending returns how many events the outbox holds.
func (s *Store) Pending() (uint64, error) {
	var n uint64
	err := s.view(func(tx *bolt.Tx) error {
		// Events leave from the front only, so there are no gaps.
		left, err := top(tx, bucketRelay).number(keyRelayed)
		n = tx.Bucket(bucketOutbox).Sequence() - left
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("outbox: %w", err)
	}
	return n, nil
}

// RelayNote returns what the relay noted with its newest Relayed, empty at first.
func (s *Store) RelayNote() ([]byte, error) {
	var note []byte
	err := s.view(func(tx *bolt.Tx) error {
		v, err := top(tx, bucketRelay).get(keyNote)
		note = bytes.Clone(v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("relay's note: %w", err)
	}
	return note, nil
}

// Relayed forgets the events up to and including sequence, which the stream
// holds, and keeps the relay's note of where.
func (s *Store) Relayed(sequence uint64, note []byte) error {
	err := s.update(func(tx *bolt.Tx) error {
		return counted(tx, bucketRelay, func(relay bucket) error {
			if err := forget(tx, relay, sequence); err != nil {
				return err
			}
			return relay.put(keyNote, note)
		})
	})
	if err != nil {
		return fmt.Errorf("outbox: forget up to %d: %w", sequence, err)
	}
	return nil
}

// forget removes events, and keeps up to where, so that the outbox is known to
// hold all that come after.
func forget(tx *bolt.Tx, relay bucket, sequence uint64) error {
	outbox := tx.Bucket(bucketOutbox)
	if newest := outbox.Sequence(); sequence > newest {
		return fmt.Errorf("the newest that was ever in it is %d", newest)
	}
	c, end := outbox.Cursor(), sequenceKey(sequence)
	for k, _ := c.First(); k != nil && bytes.Compare(k, end) <= 0; k, _ = c.First() {
		if err := c.Delete(); err != nil {
			return err
		}
	}
	before, err := relay.number(keyRelayed)
	if err != nil {
		return err
	}
	return relay.put(keyRelayed, sequenceKey(max(before, sequence)))
}

// ParkRelayed moves the outbox's oldest event, which has the sequence given and
// can never be published, to the parked ones.
func (s *Store) ParkRelayed(sequence uint64, reason string, at time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		outbox := top(tx, bucketOutbox)
		k, v := outbox.b.Cursor().First()
		if !bytes.Equal(k, sequenceKey(sequence)) {
			return fmt.Errorf("it is not the oldest of the outbox")
		}
		payload, err := outbox.unseal(k, v)
		if err != nil {
			return err
		}
		e, err := decodeEvent(payload)
		if err != nil {
			return err
		}
		if err := park(tx, Parked{By: byRelay, Reason: reason, At: at, Event: e}); err != nil {
			return err
		}
		return counted(tx, bucketRelay, func(relay bucket) error { return forget(tx, relay, sequence) })
	})
	if err != nil {
		return fmt.Errorf("park event %d of the outbox: %w", sequence, err)
	}
	return nil
}

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

// storedEvent is an event's envelope in the outbox; the data follow it, so
// that they stay byte for byte.
type storedEvent struct {
	ID         event.ID  `json:"id"`
	Name       string    `json:"name"`
	Source     string    `json:"source"`
	CampaignID *int64    `json:"campaign_id,omitempty"`
	Time       time.Time `json:"time"`
}

func encodeEvent(e event.Event) []byte {
	b, err := encodeHead(storedEvent{
		ID: e.ID, Name: e.Name, Source: e.Source, CampaignID: e.CampaignID, Time: e.Time,
	}, e.Data)
	if err != nil {
		panic(err) // strings, numbers and a time between years 0 and 9999
	}
	return b
}

func decodeEvent(b []byte) (event.Event, error) {
	var s storedEvent
	data, err := decodeHead(b, &s)
	if err != nil {
		return event.Event{}, err
	}
	return event.Event{
		ID: s.ID, Name: s.Name, Source: s.Source, CampaignID: s.CampaignID, Time: s.Time, Data: bytes.Clone(data),
	}, nil
}
