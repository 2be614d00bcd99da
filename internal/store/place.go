package store

import (
	"bytes"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// placeKey is where the place of a sink is, beside the relay's note.
func placeKey(sink string) []byte { return []byte("place/" + sink) }

// Place returns what PutPlace kept for the sink, nil if nothing was.
func (s *Store) Place(sink string) ([]byte, error) {
	var place []byte
	err := s.view(func(tx *bolt.Tx) error {
		v, err := top(tx, bucketRelay).get(placeKey(sink))
		place = bytes.Clone(v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("place of sink %s: %w", sink, err)
	}
	return place, nil
}

// PutPlace keeps where in the stream the sink starts should the stream not know.
// What it says is the sink's own matter.
func (s *Store) PutPlace(sink string, place []byte) error {
	err := s.update(func(tx *bolt.Tx) error {
		return counted(tx, bucketRelay, func(relay bucket) error { return relay.put(placeKey(sink), place) })
	})
	if err != nil {
		return fmt.Errorf("place of sink %s: commit: %w", sink, err)
	}
	return nil
}
