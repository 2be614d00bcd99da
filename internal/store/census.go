package store

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// census says how many records there are of a kind, and what their checksums
// add up to: a record that is hidden is missed, and so is one that is as it was
// before, which a page whose newest version was lost brings back.
type census struct{ n, sum uint64 }

// replace counts a record in the place of the one before, which is nil if it is
// new. Both are as they are stored, with their checksums.
func (c *census) replace(before, now []byte) error {
	if before == nil {
		c.n++
	} else {
		if len(before) < sumSize {
			return fmt.Errorf("%w: a record of %d bytes", ErrDamaged, len(before))
		}
		c.sum -= uint64(binary.BigEndian.Uint32(before))
	}
	c.sum += uint64(binary.BigEndian.Uint32(now))
	return nil
}

// match returns an error unless what was found is what should be there.
func (c census) match(want census, of string) error {
	switch {
	case c.n != want.n:
		return fmt.Errorf("%w: %d %s of %d are there", ErrDamaged, c.n, of, want.n)
	case c.sum != want.sum:
		return fmt.Errorf("%w: of %d %s some are older than they should be", ErrDamaged, c.n, of)
	}
	return nil
}

func (c census) encode() []byte { return append(sequenceKey(c.n), sequenceKey(c.sum)...) }

// getCensus returns the census under key, which must be there.
func (b bucket) getCensus(key []byte) (census, error) {
	v, err := b.get(key)
	if err != nil {
		return census{}, err
	}
	if len(v) != 16 {
		return census{}, fmt.Errorf("%w: the record %s is missing or has %d bytes", ErrDamaged, key, len(v))
	}
	return census{binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])}, nil
}

// counted runs fn on a bucket of the top, and keeps the census of it, which is
// under the bucket's name in meta.
func counted(tx *bolt.Tx, name []byte, fn func(bucket) error) error {
	meta, b := top(tx, bucketMeta), top(tx, name)
	c, err := meta.getCensus(name)
	if err != nil {
		return err
	}
	b.counts = &c
	if err := fn(b); err != nil {
		return err
	}
	return meta.put(name, c.encode())
}
