package store

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// placeKey is the key of a sink's place in the relay's bucket.
func placeKey(sink string) []byte { return []byte("place/" + sink) }

// Place returns the note that PutPlace kept for a sink, nil at first.
func (s *Store) Place(sink string) ([]byte, error) {
	var note []byte
	err := s.view(func(tx *bolt.Tx) error {
		v, err := top(tx, bucketRelay).get(placeKey(sink))
		note = bytes.Clone(v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("place of sink %s: %w", sink, err)
	}
	return note, nil
}

// PutPlace keeps a note of where in the stream a sink is.
func (s *Store) PutPlace(sink string, note []byte) error {
	err := s.update(func(tx *bolt.Tx) error { return top(tx, bucketRelay).put(placeKey(sink), note) })
	if err != nil {
		return fmt.Errorf("place of sink %s: %w", sink, err)
	}
	return nil
}
