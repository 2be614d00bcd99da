package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// markInterval is the least time from one mark to the next: so much longer than
// stated an event may be kept.
const markInterval = 10 * time.Minute

// letGoEvents bounds how many events leave the outbox in one transaction.
const letGoEvents = 1000

// mark says that the events up to a sequence had been relayed by a time, in
// seconds since 1970.
type mark struct{ sequence, at uint64 }

// marks are in order, the oldest first.
type marks []mark

const markSize = 16

// moved returns the marks after the border came to a sequence.
func (m marks) moved(sequence uint64, now time.Time) marks {
	for len(m) > 0 && m[len(m)-1].sequence > sequence {
		m = m[:len(m)-1] // what waits again has no time yet
	}
	at := uint64(max(now.Unix(), 0))
	if n := len(m); n > 0 && (m[n-1].sequence == sequence || at < m[n-1].at+uint64(markInterval/time.Second)) {
		return m
	}
	if sequence == 0 {
		return m
	}
	return append(m, mark{sequence, at})
}

// until returns the newest sequence that was relayed by a time, 0 for none.
func (m marks) until(before time.Time) uint64 {
	var sequence uint64
	for _, one := range m {
		if int64(one.at) <= before.Unix() { //nolint:gosec // seconds since 1970
			sequence = one.sequence
		}
	}
	return sequence
}

func readMarks(relay bucket) (marks, error) {
	b, err := relay.get(keyMarks)
	if err != nil {
		return nil, err
	}
	if len(b)%markSize != 0 {
		return nil, fmt.Errorf("%w: the marks have %d bytes", ErrDamaged, len(b))
	}
	m := make(marks, 0, len(b)/markSize+1)
	for ; len(b) > 0; b = b[markSize:] {
		m = append(m, mark{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])})
	}
	return m, nil
}

func (m marks) put(relay bucket) error {
	b := make([]byte, 0, len(m)*markSize)
	for _, one := range m {
		b = append(append(b, sequenceKey(one.sequence)...), sequenceKey(one.at)...)
	}
	return relay.put(keyMarks, b)
}

// LetGo forgets events that the stream has held for longer than keep, the oldest
// first, and returns how many. There may be more; one transaction has a bound.
// An event may be kept some minutes longer, unless keep is 0.
func (s *Store) LetGo(keep time.Duration) (int, error) {
	gone := 0
	err := s.update(func(tx *bolt.Tx) error {
		return counted(tx, bucketRelay, func(relay bucket) (err error) {
			gone, err = letGo(tx, relay, keep)
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("outbox: let events go: %w", err)
	}
	return gone, nil
}

func letGo(tx *bolt.Tx, relay bucket, keep time.Duration) (int, error) {
	relayed, err := relay.number(keyRelayed)
	if err != nil {
		return 0, err
	}
	dropped, err := relay.number(keyDropped)
	if err != nil {
		return 0, err
	}
	m, err := readMarks(relay)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	// Where no event comes any more, nobody else marks the last ones.
	m = m.moved(relayed, now)
	until := m.until(now.Add(-keep))
	if keep <= 0 {
		until = relayed // whatever the marks say
	}
	until = min(until, dropped+letGoEvents)
	gone := 0
	c, end := tx.Bucket(bucketOutbox).Cursor(), sequenceKey(until)
	for k, _ := c.First(); k != nil && bytes.Compare(k, end) <= 0; k, _ = c.First() {
		if err := c.Delete(); err != nil {
			return 0, err
		}
		gone++
	}
	for len(m) > 0 && m[0].sequence <= until {
		m = m[1:]
	}
	return gone, errors.Join(relay.put(keyDropped, sequenceKey(max(dropped, until))), m.put(relay))
}
