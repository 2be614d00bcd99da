package store

import (
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// A state that was restored says so.
func TestSightOfARestoredState(t *testing.T) {
	t.Parallel()
	s, err := Open(filepath.Join(t.TempDir(), "notifier.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Update("a", func(*Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	for _, former := range [][]string{nil, {"s7k2"}} {
		err := s.update(func(tx *bolt.Tx) error { return top(tx, bucketMeta).putJSON(keyFormer, former) })
		if err != nil {
			t.Fatal(err)
		}
		sight, err := s.Sight("a", func(string, Call) {})
		if err != nil || sight.Restored != (len(former) > 0) {
			t.Errorf("former ids %q: restored %t, error %v", former, sight.Restored, err)
		}
	}
}
