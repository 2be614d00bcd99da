package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/internal/diff"
)

const sumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// bucket is a bucket of the tree. What is stored in it has a checksum over the
// bucket's place, the key and the payload, so that a record that turns up in
// another place, or under another key, does not pass.
type bucket struct {
	b      *bolt.Bucket // nil where there is none
	place  string
	start  uint32  // checksum of the place: what those of its records begin with
	counts *census // if set, put keeps it
}

func newBucket(b *bolt.Bucket, place string) bucket {
	return bucket{b: b, place: place, start: crc32.Checksum(append([]byte(place), 0), castagnoli)}
}

func top(tx *bolt.Tx, name []byte) bucket { return newBucket(tx.Bucket(name), string(name)) }

// batchBucket and callsBucket return the buckets of a batch, which may not exist.
func batchBucket(tx *bolt.Tx, batch string) bucket {
	return newBucket(tx.Bucket(bucketBatches).Bucket([]byte(batch)), string(bucketBatches)+"/"+batch)
}

func callsBucket(of bucket) bucket {
	if of.b == nil {
		return bucket{}
	}
	return newBucket(of.b.Bucket(bucketCalls), of.place+"/"+string(bucketCalls))
}

func (b bucket) checksum(key, payload []byte) uint32 {
	return crc32.Update(crc32.Update(b.start, castagnoli, key), castagnoli, payload)
}

func (b bucket) put(key, payload []byte) error {
	v := make([]byte, sumSize, sumSize+len(payload))
	binary.BigEndian.PutUint32(v, b.checksum(key, payload))
	v = append(v, payload...)
	if b.counts != nil {
		if err := b.counts.replace(b.b.Get(key), v); err != nil {
			return err
		}
	}
	return b.b.Put(key, v)
}

// get returns the payload under key, nil if there is none. The slice is valid
// during the transaction.
func (b bucket) get(key []byte) ([]byte, error) {
	v := b.b.Get(key)
	if v == nil {
		return nil, nil
	}
	return b.unseal(key, v)
}

// number returns the number under key, which must be there.
func (b bucket) number(key []byte) (uint64, error) {
	v, err := b.get(key)
	if err != nil {
		return 0, err
	}
	n, err := sequenceOf(v)
	if err != nil {
		return 0, fmt.Errorf("record %s: %w", key, err)
	}
	return n, nil
}

func (b bucket) unseal(key, v []byte) ([]byte, error) {
	if len(v) < sumSize || binary.BigEndian.Uint32(v) != b.checksum(key, v[sumSize:]) {
		return nil, fmt.Errorf("%w: the checksum of a record does not match", ErrDamaged)
	}
	return v[sumSize:], nil
}

func (b bucket) putJSON(key []byte, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.put(key, payload)
}

// getJSON reads the value under key, if there is one, into v.
func (b bucket) getJSON(key []byte, v any) error {
	payload, err := b.get(key)
	if err != nil || payload == nil {
		return err
	}
	if err := json.Unmarshal(payload, v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// encodeHead writes head as JSON after its length, then the rest as it is.
func encodeHead(head any, rest []byte) ([]byte, error) {
	h, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	b := binary.AppendUvarint(make([]byte, 0, len(h)+len(rest)+4), uint64(len(h)))
	return append(append(b, h...), rest...), nil
}

// decodeHead reads head and returns the rest, which is a part of b.
func decodeHead(b []byte, head any) (rest []byte, err error) {
	r := reader{b: b}
	h := r.take(r.uvarint())
	if err := json.Unmarshal(h, head); r.bad || err != nil {
		return nil, fmt.Errorf("%w: the head of a record does not decode", ErrDamaged)
	}
	return r.b, nil
}

// sequenceKey makes a key that sorts by number.
func sequenceKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func sequenceOf(key []byte) (uint64, error) {
	if len(key) != 8 {
		return 0, fmt.Errorf("%w: a sequence has %d bytes", ErrDamaged, len(key))
	}
	return binary.BigEndian.Uint64(key), nil
}

// callVersion is the first byte of an encoded Call.
const callVersion = 1

// Bits of an encoded Call: which of its values are not null, in the order in
// which they follow, and two flags.
const (
	hasRequest = 1 << iota
	hasChannel
	hasInsights
	hasContent
	contentTold
	removed
	knownBits = 1<<iota - 1
)

// encodeCall writes version, bits, sum (8 bytes), size, revision and the
// values that are not null, numbers as varints, each text after its length.
func encodeCall(c Call) []byte {
	b := []byte{callVersion, 0}
	b = binary.BigEndian.AppendUint64(b, c.Sum)
	b = binary.AppendUvarint(b, c.Size)
	b = binary.AppendUvarint(b, c.Revision)
	for i, s := range []*string{c.Request, c.Channel, c.Insights, c.Content} {
		if s != nil {
			b[1] |= hasRequest << i
			b = binary.AppendUvarint(b, uint64(len(*s)))
			b = append(b, *s...)
		}
	}
	if c.ContentTold {
		b[1] |= contentTold
	}
	if c.Removed {
		b[1] |= removed
	}
	return b
}

func decodeCall(b []byte) (Call, error) {
	var c Call
	r := reader{b: b}
	if v := r.byte(); v != callVersion {
		return c, fmt.Errorf("%w: call record of version %d", ErrDamaged, v)
	}
	bits := r.byte()
	c.Sum = binary.BigEndian.Uint64(r.take(8))
	c.Size = r.uvarint()
	c.Record = diff.Record{
		Revision: r.uvarint(), ContentTold: bits&contentTold != 0, Removed: bits&removed != 0,
	}
	for i, s := range []**string{&c.Request, &c.Channel, &c.Insights, &c.Content} {
		if bits&(hasRequest<<i) != 0 {
			text := string(r.take(r.uvarint()))
			*s = &text
		}
	}
	if r.bad || len(r.b) > 0 || bits&^byte(knownBits) != 0 {
		return Call{}, fmt.Errorf("%w: a call record does not decode", ErrDamaged)
	}
	return c, nil
}

// reader takes parts off a slice; past its end it turns bad and gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if uint64(len(r.b)) < n {
		r.bad, r.b = true, nil
		return make([]byte, min(n, 8))
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}
