package store

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// brokenError is why the file must not be used any more.
type brokenError struct {
	error
	locked bool // bbolt panicked, and may hold its locks for ever
}

func (b *brokenError) Unwrap() error { return b.error }

// view is bbolt's, guarded.
func (s *Store) view(fn func(*bolt.Tx) error) error {
	s.swap.RLock()
	defer s.swap.RUnlock()
	if err := s.usable(); err != nil {
		return err
	}
	return s.noted(guarded(func() error { return s.file.db.View(fn) }))
}

// update is bbolt's, guarded. An update that panics is rolled back; one that
// finds another file in the place of this one commits nothing.
func (s *Store) update(fn func(*bolt.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	commit := func() error { return s.settle(s.noted(guarded(func() error { return s.commit(fn) }))) }
	if s.wrap != nil {
		return s.wrap(commit)
	}
	return commit()
}

func (s *Store) commit(fn func(*bolt.Tx) error) error {
	return s.file.db.Update(func(tx *bolt.Tx) error {
		s.used.Store(tx.Size())
		// Before anything is read, so that a file that was cut is found out
		// in the common case before it faults.
		if err := s.uncut(tx.Size()); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		// A file that goes away after this takes the commit with it into the
		// copy that the next look puts back.
		return s.identity(tx.Size())
	})
}

// usable returns why the file must not be used any more, if so. That it was cut
// is looked at first: bbolt reads its headers while it holds locks, which a
// fault would leave locked for ever.
func (s *Store) usable() error {
	if b := s.broken.Load(); b != nil {
		return b
	}
	if s.closed {
		return errors.New("the state is closed")
	}
	return s.uncut(s.used.Load())
}

// noted makes a file unusable whose pages bbolt could not read.
func (s *Store) noted(err error) error {
	if errors.Is(err, errPages) {
		s.broken.CompareAndSwap(nil, &brokenError{error: err, locked: true})
	}
	return err
}

// closeFile lets the file go, and the copy that was put in its place.
func (s *Store) closeFile() error {
	var heir error
	if s.heir != nil {
		heir = s.heir.db.Close()
	}
	if b := s.broken.Load(); b != nil && b.locked {
		// Close would wait for the locks. The mapping stays until the process
		// ends, and would keep the lock of the file as well.
		unlockFile(s.file.file)
		return errors.Join(heir, s.file.file.Close())
	}
	if err := s.file.db.Close(); err != nil {
		return errors.Join(heir, fmt.Errorf("close state: %w", err))
	}
	return heir
}
