package store

import (
	"bytes"
	"encoding/binary"
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
		if err := checkOutbox(top(tx, bucketOutbox)); err != nil {
			return err
		}
		return tx.Bucket(bucketBatches).ForEachBucket(func(k []byte) error {
			info := batchBucket(tx, string(k))
			if _, err := info.check(bucketCalls); err != nil {
				return err
			}
			want, err := info.calls()
			if err != nil {
				return err
			}
			calls := callsBucket(info)
			if calls.b == nil {
				return fmt.Errorf("%w: a batch has no bucket for its calls", ErrDamaged)
			}
			if n, err := calls.check(nil); err != nil || n != want {
				return fmt.Errorf("%w: batch %s: %d calls of %d: %w", ErrDamaged, k, n, want, orDamaged(err))
			}
			return nil
		})
	})
}

func orDamaged(err error) error {
	if err == nil {
		return ErrDamaged
	}
	return err
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

// checkOutbox also sees that no event is missing between the first and the last.
func checkOutbox(outbox bucket) error {
	n, err := outbox.check(nil)
	if err != nil || n == 0 {
		return err
	}
	first, _ := outbox.b.Cursor().First()
	last, _ := outbox.b.Cursor().Last()
	if len(first) != 8 || len(last) != 8 || binary.BigEndian.Uint64(last)-binary.BigEndian.Uint64(first) != n-1 {
		return fmt.Errorf("%w: events are missing in the outbox", ErrDamaged)
	}
	return nil
}
