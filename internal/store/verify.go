package store

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/event"
)

// Bounds of what a Sight holds of the outbox: it is in memory.
const (
	maxSightEvents = 10_000
	maxSightBytes  = 32 << 20
)

var (
	// ErrNoBatch says that the state has never heard of a batch.
	ErrNoBatch = errors.New("there is no such batch in the state")
	// ErrBacklog says that more events of a batch wait for the stream than a
	// Sight holds.
	ErrBacklog = errors.New("too many of its events wait for the stream")
)

// Recorded is a batch on record.
type Recorded struct {
	ID string
	Batch
}

// Recorded returns all batches on record, in the order of their ids.
func (s *Store) Recorded() ([]Recorded, error) {
	var all []Recorded
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketBatches).ForEachBucket(func(k []byte) error {
			r := Recorded{ID: string(k)}
			if err := batchBucket(tx, r.ID).getJSON(keyInfo, &r.Batch); err != nil {
				return fmt.Errorf("batch %s: %w", r.ID, err)
			}
			all = append(all, r)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("batches: %w", err)
	}
	return all, nil
}

// Sight is what is held of a batch and of its events at one moment.
type Sight struct {
	Batch Batch
	// Waiting are its events that the stream need not hold yet, in order.
	Waiting []event.Event
	// Parked are those of its events that cannot be published, without their data.
	Parked []Parked
	// Restored says that the state was a copy once: what was told before is under
	// another store id.
	Restored bool
}

// Sight looks at a batch, its calls and its events in one transaction, and calls
// each with every call on record, removed ones included. It wraps ErrNoBatch or
// ErrBacklog where that is the reason.
func (s *Store) Sight(batch string, each func(reference string, c Call)) (Sight, error) {
	var sight Sight
	err := s.view(func(tx *bolt.Tx) error {
		info := batchBucket(tx, batch)
		if info.b == nil {
			return ErrNoBatch
		}
		t := &Tx{batch: batch, info: info, calls: callsBucket(info)}
		var err error
		if sight.Batch, err = t.Batch(); err != nil {
			return err
		}
		if sight.Waiting, err = waiting(tx, batch); err != nil {
			return err
		}
		if sight.Parked, err = unpublished(tx, batch); err != nil {
			return err
		}
		var former []string
		if err := top(tx, bucketMeta).getJSON(keyFormer, &former); err != nil {
			return err
		}
		sight.Restored = len(former) > 0
		return t.EachCall(func(reference string, c Call) error {
			each(reference, c)
			return nil
		})
	})
	if err != nil {
		return Sight{}, fmt.Errorf("batch %s: %w", batch, err)
	}
	return sight, nil
}

// waiting returns the events of a batch that have not left for the stream.
func waiting(tx *bolt.Tx, batch string) ([]event.Event, error) {
	relayed, err := top(tx, bucketRelay).number(keyRelayed)
	if err != nil {
		return nil, err
	}
	var found []event.Event
	size := 0
	outbox := top(tx, bucketOutbox)
	c := outbox.b.Cursor()
	for k, v := c.Seek(sequenceKey(relayed + 1)); k != nil; k, v = c.Next() {
		payload, err := outbox.unseal(k, v)
		if err != nil {
			return nil, err
		}
		if len(payload) == 0 {
			continue // it was parked
		}
		id, err := idOf(payload)
		if err != nil {
			return nil, err
		}
		if id.Batch != batch {
			continue
		}
		e, err := decodeEvent(payload)
		if err != nil {
			return nil, err
		}
		found = append(found, e)
		if size += len(e.Data); len(found) > maxSightEvents || size > maxSightBytes {
			return nil, ErrBacklog
		}
	}
	return found, nil
}

// idOf reads the id of an event alone.
func idOf(payload []byte) (event.ID, error) {
	var s storedEvent
	_, err := decodeHead(payload, &s)
	return s.ID, err
}

// unpublished returns the events of a batch that the relay has parked.
func unpublished(tx *bolt.Tx, batch string) ([]Parked, error) {
	var found []Parked
	parked := top(tx, bucketParked)
	err := parked.b.ForEach(func(k, v []byte) error {
		payload, err := parked.unseal(k, v)
		if err != nil {
			return err
		}
		var p Parked
		rest, err := decodeHead(payload, &p)
		if err != nil || p.By != byRelay {
			return err
		}
		if p.Event.ID, err = idOf(rest); err != nil || p.Event.ID.Batch != batch {
			return err
		}
		found = append(found, p)
		return nil
	})
	return found, err
}

// Known says whether there was an event of this store with an id: whether what it is
// of has had so many. Nothing of that is ever let go.
func (s *Store) Known(id event.ID) (bool, error) {
	var newest uint64
	err := s.view(func(tx *bolt.Tx) error {
		info := batchBucket(tx, id.Batch)
		t := &Tx{batch: id.Batch, info: info, calls: callsBucket(info)}
		switch id.Scope {
		case event.ScopeSource:
			var held Source
			err := top(tx, bucketMeta).getJSON(keySource, &held)
			newest = held.Revision
			return err
		case event.ScopeBatch:
			b, err := t.Batch()
			newest = b.Revision
			return err
		default:
			c, _, err := t.Call(id.Reference)
			newest = c.Revision
			return err
		}
	})
	if err != nil {
		return false, fmt.Errorf("event %s: %w", id.Redacted(), err)
	}
	return id.Revision <= newest, nil
}
