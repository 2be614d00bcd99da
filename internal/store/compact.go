package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

const (
	// compactAbove is how many bytes of the file must be free pages, and more
	// than half of it, before it is worth to write all of it anew.
	compactAbove = 64 << 20
	// compactChunk bounds a transaction of a compaction, in bytes.
	compactChunk = 16 << 20
)

// Compaction is what a compaction gained: the size of the file, in bytes. Both
// are 0 if there was none.
type Compaction struct{ Before, After int64 }

// CompactIfNeeded gives the space of free pages back to the file system if they
// have piled up, as after a long outage whose events have all been published:
// bbolt uses them again, but its file never shrinks. Commits wait meanwhile,
// readers do not until the very end. An error leaves the state as it was, unless
// it wraps ErrDamaged.
func (s *Store) CompactIfNeeded() (Compaction, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.usable(); err != nil {
		return Compaction{}, err
	}
	before, err := s.file.file.Stat()
	if err != nil {
		return Compaction{}, err
	}
	stats := s.file.db.Stats()
	free := int64(stats.FreePageN+stats.PendingPageN) * int64(s.file.db.Info().PageSize)
	if free <= s.compactAbove || free <= before.Size()/2 {
		return Compaction{}, nil
	}
	if err := s.compact(); err != nil {
		return Compaction{}, fmt.Errorf("compact state: %w", err)
	}
	after, err := s.file.file.Stat()
	if err != nil {
		return Compaction{}, err
	}
	return Compaction{Before: before.Size(), After: after.Size()}, nil
}

// compact writes all records into a new file and gives that the state's name. The
// new file is locked from its beginning, and the old one until the end, so that
// no other process gets in between: one that waits for the old file's lock finds
// by the name that there is a newer one. Nothing is committed meanwhile, so that a
// crash at any moment leaves the one or the other, with the same records.
func (s *Store) compact() (err error) {
	dir := filepath.Dir(s.path)
	tmp := tempPath(dir)
	defer func() { _ = os.Remove(tmp) }()
	next, err := openTemp(tmp)
	if err != nil {
		return err
	}
	placed := false
	defer func() {
		if !placed {
			err = errors.Join(err, next.db.Close())
		}
	}()
	if err := s.compactInto(next, tmp); err != nil {
		return err
	}
	// A file that is not the one at the path must not be taken for it now.
	if err := s.settle(s.identity(s.used.Load())); err != nil {
		return err
	}
	if err := os.Rename(tmp, s.path); err != nil {
		return err
	}
	placed = true
	s.swap.Lock()
	old := s.file
	s.file = next
	s.swap.Unlock()
	if err := syncDir(dir); err != nil {
		// A power cut could bring the old file back, without what is committed
		// from now on: so nothing is.
		err = fmt.Errorf("%w: its folder cannot be synced: %w; see to the disk, and start again", ErrDamaged, err)
		s.broken.Store(&brokenError{error: err})
		return errors.Join(err, old.db.Close())
	}
	return old.db.Close()
}

// compactInto copies all buckets, with their sequences, and sees that all that
// there was is there: the old file is gone afterwards.
func (s *Store) compactInto(next *boltFile, path string) error {
	err := s.noted(guarded(func() error { return bolt.Compact(next.db, s.file.db, compactChunk) }))
	if err != nil {
		return err
	}
	if err := next.file.Sync(); err != nil {
		return err
	}
	copied := &Store{path: path, file: next}
	err = checkHeaders(next.db, next.file)
	if err == nil {
		err = copied.readMeta(next.file)
	}
	if err == nil {
		err = copied.view(check)
	}
	if err != nil {
		return errors.New("the new file is not what was written; the state is left as it is: " + err.Error())
	}
	s.used.Store(copied.used.Load())
	return nil
}
