package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// migrations[n] makes of a tree of schema n one of schema n+1. A migration stays
// for ever, and calls nothing that a later schema may change.
var migrations = map[int]func(*bolt.Tx) error{
	1: keepWhatWasRelayed,
}

// migrate brings the tree to the schema of this program, in one transaction that
// also looks at the result: a state that is damaged stays as it is. A copy of the
// file is made first, with which the version of before can go on.
func (s *Store) migrate() error {
	var from int
	err := s.view(func(tx *bolt.Tx) (err error) {
		from, err = schemaOf(tx)
		return err
	})
	if err != nil || from == schema {
		return err
	}
	if !s.scratch {
		if err := s.copyBefore(from); err != nil {
			return fmt.Errorf("copy the state of schema %d before it is changed: %w", from, err)
		}
	}
	return s.update(func(tx *bolt.Tx) error {
		for n := from; n < schema; n++ {
			if err := migrations[n](tx); err != nil {
				return fmt.Errorf("from schema %d to %d: %w", n, n+1, err)
			}
		}
		if err := top(tx, bucketMeta).put(keySchema, []byte(strconv.Itoa(schema))); err != nil {
			return err
		}
		return check(tx)
	})
}

// copyBefore copies the file as it is beside it, unless that was done before: a
// copy that is there is whole, since a crash here leaves a temporary file only.
func (s *Store) copyBefore(from int) error {
	path := fmt.Sprintf("%s.schema-%d", s.path, from)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	err = s.view(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// keepWhatWasRelayed: up to schema 1 events left the outbox with the ack of the
// stream, and a state had one id all its life.
func keepWhatWasRelayed(tx *bolt.Tx) error {
	if err := top(tx, []byte("meta")).put([]byte("former"), []byte("[]")); err != nil {
		return err
	}
	return counted(tx, []byte("relay"), func(relay bucket) error {
		relayed, err := relay.get([]byte("relayed"))
		if err != nil {
			return err
		}
		if len(relayed) != 8 {
			return fmt.Errorf("%w: the record relayed has %d bytes", ErrDamaged, len(relayed))
		}
		return errors.Join(relay.put([]byte("dropped"), relayed), relay.put([]byte("marks"), nil))
	})
}
