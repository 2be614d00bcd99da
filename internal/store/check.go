package store

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// check reads every record once, and counts. bbolt has no checksums of its own
// on keys and pages: a flipped bit in a key would hide its record, and one in a
// page many, so that calls would be taken for new ones and told again under ids
// that are used. A record under a wrong key, or in a place that is not its own,
// does not fit its checksum; one that is hidden, or is as it was before, is missed
// in the census. It takes about a second for a million calls, with the look
// at the pages before it.
//
// bbolt's own check is no substitute: it knows nothing of records, and runs in
// a goroutine of its own, where a page beyond the end of the file would end the
// process.
func check(tx *bolt.Tx) error {
	meta := top(tx, bucketMeta)
	if _, err := meta.check(nil); err != nil {
		return err
	}
	for _, k := range [][]byte{keyBaseline, keySource, keyFormer} {
		if meta.b.Get(k) == nil {
			return fmt.Errorf("%w: the record %s is missing", ErrDamaged, k)
		}
	}
	for _, name := range [][]byte{bucketParked, bucketRelay} {
		found, err := top(tx, name).check(nil)
		if err := meta.matches(name, found, err, string(name)+" records"); err != nil {
			return err
		}
	}
	if err := checkSequence(tx.Bucket(bucketParked)); err != nil {
		return err
	}
	if err := checkOutbox(tx); err != nil {
		return err
	}
	return checkBatches(tx)
}

func checkBatches(tx *bolt.Tx) error {
	var found census
	err := tx.Bucket(bucketBatches).ForEachBucket(func(k []byte) error {
		c, err := checkBatch(batchBucket(tx, string(k)))
		if err != nil {
			return fmt.Errorf("batch %s: %w", k, err)
		}
		found.n, found.sum = found.n+c.n, found.sum+c.sum
		return nil
	})
	return top(tx, bucketMeta).matches(bucketBatches, found, err, "records of batches")
}

// checkBatch checks what is held of a batch, and returns what was found beside
// its calls.
func checkBatch(info bucket) (census, error) {
	found, err := info.check(bucketCalls)
	if err != nil {
		return found, err
	}
	calls := callsBucket(info)
	if calls.b == nil {
		return found, fmt.Errorf("%w: it has no bucket for its calls", ErrDamaged)
	}
	held, err := calls.check(nil)
	return found, info.matches(keyCensus, held, err, "calls")
}

// matches compares what was found, unless err came up, with the census under key.
func (b bucket) matches(key []byte, found census, err error, of string) error {
	if err != nil {
		return err
	}
	want, err := b.getCensus(key)
	if err != nil {
		return err
	}
	return found.match(want, of)
}

// check unseals every record of a bucket, whose keys must be in order, and counts
// them. Of buckets in it only one of that name may be.
func (b bucket) check(inner []byte) (census, error) {
	var found census
	var last []byte
	err := b.b.ForEach(func(k, v []byte) error {
		if last != nil && bytes.Compare(last, k) >= 0 {
			return fmt.Errorf("%w: keys are not in order", ErrDamaged)
		}
		last = k
		if v == nil && inner != nil && bytes.Equal(k, inner) {
			return nil
		}
		if _, err := b.unseal(k, v); err != nil {
			return err
		}
		return found.replace(nil, v)
	})
	return found, err
}

// checkOutbox also sees that no event is missing between the newest that left the
// outbox and the newest that came into it.
func checkOutbox(tx *bolt.Tx) error {
	outbox, relay := top(tx, bucketOutbox), top(tx, bucketRelay)
	found, err := outbox.check(nil)
	if err != nil {
		return err
	}
	relayed, err := relay.number(keyRelayed)
	if err != nil {
		return err
	}
	dropped, err := relay.number(keyDropped)
	if err != nil {
		return err
	}
	came := outbox.b.Sequence()
	first, _ := outbox.b.Cursor().First()
	if relayed < dropped || came < relayed || found.n != came-dropped ||
		found.n > 0 && !bytes.Equal(first, sequenceKey(dropped+1)) {
		return fmt.Errorf("%w: events are missing in the outbox", ErrDamaged)
	}
	_, err = readMarks(relay)
	return err
}

// checkSequence makes sure that no number will be used again: the record that
// has it would be overwritten.
func checkSequence(b *bolt.Bucket) error {
	last, _ := b.Cursor().Last()
	if last == nil {
		return nil
	}
	n, err := sequenceOf(last)
	if err == nil && n > b.Sequence() {
		err = fmt.Errorf("%w: the sequence of a bucket was set back", ErrDamaged)
	}
	return err
}
