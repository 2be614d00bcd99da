package store

import (
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/crashpoint"
	"github.com/syllable-notifier/notifier/internal/diff"
)

// Batch is what is held of a batch.
type Batch struct {
	// CampaignID is the batch's campaign, nil while it is not known.
	CampaignID *int64 `json:"campaign_id,omitempty"`
	// Silent says that the batch's results are being recorded without
	// events: it was there at the very first start and has not been read
	// whole since.
	Silent bool `json:"silent,omitempty"`
	// Polled is when the newest full list that is on record was asked for;
	// lists that showed no change need not be. Looked is the same for the
	// platform's object of the batch itself.
	Polled *time.Time `json:"polled,omitempty"`
	Looked *time.Time `json:"looked,omitempty"`

	// Revision is the number of events that the batch itself has had.
	Revision uint64 `json:"revision,omitempty"`
	// Discovered says that the batch is known; Status is the newest of the
	// platform's that was seen, nil before the first look.
	Discovered bool    `json:"discovered,omitempty"`
	Status     *string `json:"status,omitempty"`
	// Object is the newest of the platform's objects of the batch on record.
	Object []byte `json:"object,omitempty"`
	// Completed says that the batch was found complete, and nothing has
	// changed since.
	Completed bool `json:"completed,omitempty"`

	// Tally counts the calls on record, without removed ones.
	Tally Tally `json:"tally,omitempty"`
	// Events is how many events its calls have had; First and Last are when
	// the first and the last of them was observed.
	Events uint64     `json:"events,omitempty"`
	First  *time.Time `json:"first,omitempty"`
	Last   *time.Time `json:"last,omitempty"`
}

// Call is what is held of a call.
type Call struct {
	diff.Record
	// Sum and Size are the xxh3 hash and the length of the platform's
	// object; one that has both has not changed.
	Sum  uint64
	Size uint64
}

// Tx is one transaction on one batch: its calls, and the outbox.
type Tx struct {
	batch  string
	info   bucket // there is none in a View of a batch that is not there yet
	calls  bucket
	outbox bucket
	events int // appended

	// What is on record of this batch's calls, and of all batches. In an Update
	// they follow what is put, and end keeps them.
	held, batches census
}

// View runs fn on a consistent sight of a batch. fn must be short: an open
// view keeps old pages from being reused.
func (s *Store) View(batch string, fn func(*Tx) error) error {
	return s.view(func(tx *bolt.Tx) error {
		info := batchBucket(tx, batch)
		return fn(&Tx{batch: batch, info: info, calls: callsBucket(info)})
	})
}

// Update runs fn in one transaction: all that it puts and appends is on the
// disk when Update returns nil, and nothing of it otherwise.
func (s *Store) Update(batch string, fn func(*Tx) error) error {
	var events int
	err := s.update(func(tx *bolt.Tx) error {
		t, err := openBatch(tx, batch)
		if err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		events = t.events
		err = t.end(tx)
		crashpoint.Here(crashpoint.StoreCommit)
		return err
	})
	if err != nil {
		return fmt.Errorf("batch %s: commit: %w", batch, err)
	}
	crashpoint.Here(crashpoint.StoreCommitted)
	if events > 0 {
		s.signal()
	}
	return nil
}

// openBatch begins an update of a batch, which is made if it is not there, with
// all records of which a batch has one.
func openBatch(tx *bolt.Tx, batch string) (*Tx, error) {
	t := &Tx{batch: batch, outbox: top(tx, bucketOutbox)}
	var err error
	if t.batches, err = top(tx, bucketMeta).getCensus(bucketBatches); err != nil {
		return nil, err
	}
	t.info = batchBucket(tx, batch)
	isNew := t.info.b == nil
	if isNew {
		b, err := tx.Bucket(bucketBatches).CreateBucket([]byte(batch))
		if err != nil {
			return nil, err
		}
		if _, err := b.CreateBucket(bucketCalls); err != nil {
			return nil, err
		}
		t.info = batchBucket(tx, batch)
	}
	t.info.counts = &t.batches
	if isNew {
		if err := errors.Join(t.PutBatch(Batch{}), t.info.put(keyCensus, t.held.encode())); err != nil {
			return nil, err
		}
	}
	if t.held, err = t.info.getCensus(keyCensus); err != nil {
		return nil, err
	}
	t.calls = callsBucket(t.info)
	t.calls.counts = &t.held
	return t, nil
}

// end keeps what is on record, so that what is lost of it is missed.
func (t *Tx) end(tx *bolt.Tx) error {
	if err := t.info.put(keyCensus, t.held.encode()); err != nil {
		return err
	}
	return top(tx, bucketMeta).put(bucketBatches, t.batches.encode())
}

// Batch returns what is held of the batch, the zero Batch at first.
func (t *Tx) Batch() (Batch, error) {
	var b Batch
	if t.info.b == nil {
		return b, nil
	}
	err := t.info.getJSON(keyInfo, &b)
	return b, err
}

// PutBatch replaces what is held of the batch.
func (t *Tx) PutBatch(b Batch) error { return t.info.putJSON(keyInfo, b) }

// Call returns what is held of a call and whether anything is.
func (t *Tx) Call(reference string) (Call, bool, error) {
	if t.calls.b == nil {
		return Call{}, false, nil
	}
	v, err := t.calls.get([]byte(reference))
	if err != nil {
		return Call{}, false, fmt.Errorf("call %s of batch %s: %w", event.Redact(reference), t.batch, err)
	}
	if v == nil {
		return Call{}, false, nil
	}
	c, err := decodeCall(v)
	if err != nil {
		return Call{}, false, fmt.Errorf("call %s of batch %s: %w", event.Redact(reference), t.batch, err)
	}
	return c, true, nil
}

// EachCall calls fn with every call on record, removed ones included, in the
// order of reference ids.
func (t *Tx) EachCall(fn func(reference string, c Call) error) error {
	if t.calls.b == nil {
		return nil
	}
	return t.calls.b.ForEach(func(k, v []byte) error {
		payload, err := t.calls.unseal(k, v)
		if err != nil {
			return fmt.Errorf("call %s of batch %s: %w", event.Redact(string(k)), t.batch, err)
		}
		c, err := decodeCall(payload)
		if err != nil {
			return fmt.Errorf("call %s of batch %s: %w", event.Redact(string(k)), t.batch, err)
		}
		return fn(string(k), c)
	})
}

// PutCall replaces what is held of a call.
func (t *Tx) PutCall(reference string, c Call) error {
	return t.calls.put([]byte(reference), encodeCall(c))
}

// Append puts an event at the end of the outbox.
func (t *Tx) Append(e event.Event) error {
	if !outboxWrites {
		return nil
	}
	n, err := t.outbox.b.NextSequence()
	if err != nil {
		return err
	}
	// Events come in order and go in order: full pages, not half-full ones.
	t.outbox.b.FillPercent = 0.9
	t.events++
	return t.outbox.put(sequenceKey(n), encodeEvent(e))
}

// Batches returns the ids of all batches on record.
func (s *Store) Batches() ([]string, error) {
	var ids []string
	err := s.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketBatches).ForEachBucket(func(k []byte) error {
			ids = append(ids, string(k))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("batches: %w", err)
	}
	return ids, nil
}

// Baseline takes in the first discovery ever: with silent, the batches given
// are marked as silent. Later calls change nothing, across restarts. It says
// whether this call was the first.
func (s *Store) Baseline(batches []string, silent bool) (bool, error) {
	first := false
	err := s.update(func(tx *bolt.Tx) error {
		meta := top(tx, bucketMeta)
		done, err := meta.get(keyBaseline)
		if err != nil || len(done) > 0 {
			return err
		}
		first = true
		for _, id := range batches {
			if !silent {
				break
			}
			t, err := openBatch(tx, id)
			if err != nil {
				return err
			}
			if err := errors.Join(t.PutBatch(Batch{Silent: true}), t.end(tx)); err != nil {
				return err
			}
		}
		return meta.put(keyBaseline, []byte("done"))
	})
	if err != nil {
		return false, fmt.Errorf("baseline: %w", err)
	}
	return first, nil
}
