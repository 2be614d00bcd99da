package store

import (
	"bytes"
	"cmp"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// check reads every record once, and counts. bbolt has no checksums of its own
// on keys and pages: a flipped bit in a key would hide its record, and one in a
// page many, so that calls would be taken for new ones and told again under ids
// that are used. A record under a wrong key, or in a place that is not its own,
// does not fit its checksum; one that is hidden is missed in the count. It takes
// about a second for a million calls.
//
// bbolt's own check is no substitute: it knows nothing of records, and runs in
// a goroutine of its own, where a page beyond the end of the file would end the
// process.
func (s *Store) check() error {
	return s.view(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketParked, bucketRelay} {
			if _, err := top(tx, name).check(nil); err != nil {
				return err
			}
		}
		err := cmp.Or(
			top(tx, bucketMeta).has(keyBaseline, keySource), top(tx, bucketRelay).has(keyNote), checkOutbox(tx),
		)
		if err != nil {
			return err
		}
		var n uint64
		err = tx.Bucket(bucketBatches).ForEachBucket(func(k []byte) error {
			n++
			if err := checkBatch(batchBucket(tx, string(k))); err != nil {
				return fmt.Errorf("batch %s: %w", k, err)
			}
			return nil
		})
		if err != nil {
			return err
		}
		want, err := top(tx, bucketMeta).number(keyBatches)
		if err == nil && n != want {
			err = fmt.Errorf("%w: %d batches of %d are there", ErrDamaged, n, want)
		}
		return err
	})
}

// checkBatch checks and counts what is held of a batch.
func checkBatch(info bucket) error {
	if _, err := info.check(bucketCalls); err != nil {
		return err
	}
	if err := info.has(keyInfo); err != nil {
		return err
	}
	want, err := info.number(keyCount)
	if err != nil {
		return err
	}
	calls := callsBucket(info)
	if calls.b == nil {
		return fmt.Errorf("%w: it has no bucket for its calls", ErrDamaged)
	}
	n, err := calls.check(nil)
	if err == nil && n != want {
		err = fmt.Errorf("%w: %d calls of %d are there", ErrDamaged, n, want)
	}
	return err
}

// has makes sure that there are records under the keys.
func (b bucket) has(keys ...[]byte) error {
	for _, k := range keys {
		if b.b.Get(k) == nil {
			return fmt.Errorf("%w: the record %s is missing", ErrDamaged, k)
		}
	}
	return nil
}

// check unseals every record of a bucket, whose keys must be in order, and
// returns how many there are. Of buckets in it only one of that name may be.
func (b bucket) check(inner []byte) (n uint64, err error) {
	var last []byte
	err = b.b.ForEach(func(k, v []byte) error {
		if n++; n > 1 && bytes.Compare(last, k) >= 0 {
			return fmt.Errorf("%w: keys are not in order", ErrDamaged)
		}
		last = k
		if v == nil && inner != nil && bytes.Equal(k, inner) {
			return nil
		}
		_, err := b.unseal(k, v)
		return err
	})
	return n, err
}

// checkOutbox also sees that no event is missing between the newest that left the
// outbox and the newest that came into it.
func checkOutbox(tx *bolt.Tx) error {
	outbox := top(tx, bucketOutbox)
	n, err := outbox.check(nil)
	if err != nil {
		return err
	}
	left, err := top(tx, bucketRelay).number(keyRelayed)
	if err != nil {
		return err
	}
	came := outbox.b.Sequence()
	first, _ := outbox.b.Cursor().First()
	if came < left || n != came-left || n > 0 && !bytes.Equal(first, sequenceKey(left+1)) {
		return fmt.Errorf("%w: events are missing in the outbox", ErrDamaged)
	}
	return nil
}
