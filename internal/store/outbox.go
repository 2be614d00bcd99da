package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/event"
)

// Events calls each with up to limit events that come after a sequence, in order,
// and stops before their data passes maxBytes; it gives at least one if there is
// any. It returns the newest sequence that it looked at, which is that of an event
// or of one that was parked, and 0 where there was nothing to look at. A sequence
// grows and is never used again. Of those that were relayed only the ones that are
// still kept are there; see LetGo.
func (s *Store) Events(
	after uint64, limit, maxBytes int, each func(sequence uint64, e event.Event),
) (through uint64, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		outbox := top(tx, bucketOutbox)
		c := outbox.b.Cursor()
		n, size := 0, 0
		for k, v := c.Seek(sequenceKey(after + 1)); k != nil && n < limit; k, v = c.Next() {
			payload, err := outbox.unseal(k, v)
			if err != nil {
				return err
			}
			sequence, err := sequenceOf(k)
			if err != nil {
				return err
			}
			if len(payload) > 0 {
				e, err := decodeEvent(payload)
				if err != nil {
					return err
				}
				if size += len(e.Data); size > maxBytes && n > 0 {
					return nil
				}
				each(sequence, e)
			}
			n, through = n+1, sequence
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("outbox: %w", err)
	}
	return through, nil
}

// Pending returns how many events wait to be relayed.
func (s *Store) Pending() (uint64, error) {
	var n uint64
	err := s.view(func(tx *bolt.Tx) error {
		// Events leave from the front only, so there are no gaps.
		relayed, err := top(tx, bucketRelay).number(keyRelayed)
		n = tx.Bucket(bucketOutbox).Sequence() - relayed
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("outbox: %w", err)
	}
	return n, nil
}

// Progress is how far the relay has come.
type Progress struct {
	// Relayed is the sequence of the newest event that the stream holds; all
	// after it wait.
	Relayed uint64
	// Note is what the relay noted with its newest Relayed, empty at first.
	Note []byte
}

// Progress returns how far the relay has come.
func (s *Store) Progress() (Progress, error) {
	var p Progress
	err := s.view(func(tx *bolt.Tx) (err error) {
		relay := top(tx, bucketRelay)
		if p.Relayed, err = relay.number(keyRelayed); err != nil {
			return err
		}
		v, err := relay.get(keyNote)
		p.Note = bytes.Clone(v)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("relay's progress: %w", err)
	}
	return p, nil
}

// Relayed says that the stream holds the events up to and including sequence,
// and keeps the relay's note of where. All after it wait: with a sequence that
// was passed before, events wait again which the stream turned out to have lost;
// with 0 all that are kept do.
func (s *Store) Relayed(sequence uint64, note []byte) error {
	err := s.update(func(tx *bolt.Tx) error {
		if newest := tx.Bucket(bucketOutbox).Sequence(); sequence > newest {
			return fmt.Errorf("the newest that was ever in it is %d", newest)
		}
		return counted(tx, bucketRelay, func(relay bucket) error {
			return errors.Join(moveBorder(relay, sequence, time.Now()), relay.put(keyNote, note))
		})
	})
	if err != nil {
		return fmt.Errorf("outbox: relayed up to %d: %w", sequence, err)
	}
	return nil
}

// moveBorder keeps that the events up to sequence were relayed by now.
func moveBorder(relay bucket, sequence uint64, now time.Time) error {
	dropped, err := relay.number(keyDropped)
	if err != nil {
		return err
	}
	sequence = max(sequence, dropped)
	marks, err := readMarks(relay)
	if err != nil {
		return err
	}
	return errors.Join(relay.put(keyRelayed, sequenceKey(sequence)), marks.moved(sequence, now).put(relay))
}

// ParkRelayed moves the oldest event that waits, which has the sequence given and
// can never be published, to the parked ones.
func (s *Store) ParkRelayed(sequence uint64, reason string, at time.Time) error {
	err := s.update(func(tx *bolt.Tx) error {
		outbox := top(tx, bucketOutbox)
		payload, err := oldestWaiting(tx, outbox, sequence)
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
		// An empty record stays in its place, so that one which is missing shows.
		if err := outbox.put(sequenceKey(sequence), nil); err != nil {
			return err
		}
		return counted(tx, bucketRelay, func(relay bucket) error { return moveBorder(relay, sequence, at) })
	})
	if err != nil {
		return fmt.Errorf("park event %d of the outbox: %w", sequence, err)
	}
	return nil
}

// oldestWaiting returns the record of the oldest event that waits, which must have
// the sequence given.
func oldestWaiting(tx *bolt.Tx, outbox bucket, sequence uint64) ([]byte, error) {
	relayed, err := top(tx, bucketRelay).number(keyRelayed)
	if err != nil {
		return nil, err
	}
	c := outbox.b.Cursor()
	for k, v := c.Seek(sequenceKey(relayed + 1)); k != nil; k, v = c.Next() {
		payload, err := outbox.unseal(k, v)
		if err != nil {
			return nil, err
		}
		if len(payload) == 0 {
			continue
		}
		if !bytes.Equal(k, sequenceKey(sequence)) {
			break
		}
		return payload, nil
	}
	return nil, errors.New("it is not the oldest that waits")
}
