package natsd

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/minio/highwayhash"
)

// How nats-server keeps messages: a file, called a block, of records.
//
//	length   4  of the record; its highest bit says that there are headers
//	sequence 8  with a bit for erased messages, and one for what was deleted since
//	time     8
//	subject  2  its length
//	         …  the subject, [length of the headers 4, headers,] data
//	checksum 8  of all but the lengths
const (
	recordHead    = 22
	recordSum     = 8
	recordLeast   = recordHead + recordSum
	recordMost    = 32 << 20 // more than the server takes for sound
	headersBit    = 1 << 31
	erasedBit     = 1 << 63
	tombstoneBit  = 1 << 62
	headersLength = 4
)

// block is a file of messages in memory.
type block struct {
	content []byte
	sum     hash.Hash64
}

// newBlock returns the block of that number of a stream.
func newBlock(stream string, number int, content []byte) (*block, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, number))
	sum, err := highwayhash.New64(key[:])
	if err != nil {
		return nil, err
	}
	return &block{content, sum}, nil
}

// isCompressed says whether the records of a block cannot be read as they are.
// Our own are not compressed.
func (b *block) isCompressed() bool { return bytes.HasPrefix(b.content, []byte("cmp\x01")) }

// record is a sound record.
type record struct {
	at, length int
	sequence   uint64 // with its bits
}

func (r record) end() int { return r.at + r.length }

// isMessage says whether the record holds a message that can be read.
func (r record) isMessage() bool { return r.sequence&(erasedBit|tombstoneBit) == 0 && r.sequence > 0 }

// number returns the sequence without its bits.
func (r record) number() uint64 { return r.sequence &^ (erasedBit | tombstoneBit) }

// read returns the record that begins at a place, if that is sound.
func (b *block) read(at int) (record, bool) {
	left := b.content[at:]
	if len(left) < recordLeast {
		return record{}, false
	}
	size := binary.LittleEndian.Uint32(left)
	hasHeaders := size&headersBit != 0
	length := int(size &^ headersBit)
	subject := int(binary.LittleEndian.Uint16(left[20:]))
	if length < recordLeast || length > len(left) || length > recordMost || subject > length-recordLeast {
		return record{}, false
	}
	body := left[recordHead : length-recordSum]
	headers := 0
	if hasHeaders {
		if len(body) < subject+headersLength {
			return record{}, false
		}
		headers = headersLength
	}
	b.sum.Reset()
	_, _ = b.sum.Write(left[4:20]) // a hash takes everything
	_, _ = b.sum.Write(body[:subject])
	_, _ = b.sum.Write(body[subject+headers:])
	if !bytes.Equal(b.sum.Sum(nil), left[length-recordSum:length]) {
		return record{}, false
	}
	if hasHeaders && !bordersFit(body[subject:]) {
		return record{}, false
	}
	return record{at, length, binary.LittleEndian.Uint64(left[4:])}, true
}

// bordersFit says whether headers end where their length says, which no checksum
// covers: nats-server would deliver them with a part of the data, or the reverse.
// What somebody has published with headers that are none is not judged.
func bordersFit(headers []byte) bool {
	length := int64(binary.LittleEndian.Uint32(headers))
	headers = headers[headersLength:]
	if length > int64(len(headers)) {
		return false
	}
	end := bytes.Index(headers, []byte("\r\n\r\n"))
	return !bytes.HasPrefix(headers, []byte("NATS/1.0")) || end < 0 || int64(end)+4 == length
}

// damage is a part of a block that holds no sound record, between two that are.
type damage struct {
	at, length int
	next       uint64 // the sequence of the record behind it
	missing    uint64 // how many messages it held, as far as sequences tell
}

// damages finds what nats-server would stumble over, and says whether the end is
// broken. That is left to nats-server, which cuts it off: a process or the power
// that ended in the middle of a write leaves it so.
func (b *block) damages() (found []damage, messages int, brokenEnd bool) {
	var last uint64
	for at := 0; at < len(b.content); {
		if r, ok := b.read(at); ok {
			if r.isMessage() {
				messages++
			}
			if r.sequence&tombstoneBit == 0 {
				last = max(last, r.number())
			}
			at = r.end()
			continue
		}
		next, ok := b.soundAfter(at, last)
		if !ok {
			return found, messages, true
		}
		d := damage{at: at, length: next.at - at, next: next.number()}
		if last > 0 && d.next > last {
			d.missing = d.next - last - 1
		}
		found = append(found, d)
		at = next.at
	}
	return found, messages, false
}

// soundAfter finds the first sound record behind a place, of a message that comes
// after a sequence.
func (b *block) soundAfter(at int, last uint64) (record, bool) {
	for at += recordLeast; at < len(b.content); at++ {
		if r, ok := b.read(at); ok && r.sequence&tombstoneBit == 0 && r.number() > last {
			return r, true
		}
	}
	return record{}, false
}

// erased returns a record of an erased message that takes the place of a damage.
func (b *block) erased(d damage) []byte {
	rec := make([]byte, d.length)
	binary.LittleEndian.PutUint32(rec, uint32(d.length)) //nolint:gosec // of a part of a block
	binary.LittleEndian.PutUint64(rec[4:], (d.next-1)|erasedBit)
	b.sum.Reset()
	_, _ = b.sum.Write(rec[4:20])
	_, _ = b.sum.Write(rec[recordHead : d.length-recordSum])
	copy(rec[d.length-recordSum:], b.sum.Sum(nil))
	return rec
}
