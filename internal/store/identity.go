package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// What can have become of the open file. bbolt notices none of it: commits go on
// into a file that nobody will find again.
var (
	errCut      = fmt.Errorf("%w: the file was cut while it was open; restore a copy (notifier restore)", ErrDamaged)
	errRemoved  = fmt.Errorf("%w: the file was removed while it was open", ErrDamaged)
	errReplaced = fmt.Errorf("%w: another file took its place while it was open", ErrDamaged)
)

// CheckIdentity looks whether the open file is still the one at its path, as
// each commit does. A daemon that commits nothing for hours calls it now and
// then, so that a file that was removed is put back before a kill.
func (s *Store) CheckIdentity() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	return s.settle(s.identity(s.used.Load()))
}

// uncut says whether the file has all bytes that are in use.
func (s *Store) uncut(used int64) error {
	info, err := s.file.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < used {
		return fmt.Errorf("%w: it has %d bytes of %d", errCut, info.Size(), used)
	}
	return nil
}

// identity says whether the open file is the one at its path, and whole.
func (s *Store) identity(used int64) error {
	if err := s.uncut(used); err != nil {
		return err
	}
	same, err := isAt(s.file.file, s.path)
	if err != nil || same {
		return err // one that cannot be looked at, as without permission, is asked for again
	}
	if _, err := os.Stat(s.path); errors.Is(err, os.ErrNotExist) {
		return errRemoved
	}
	return errReplaced
}

// settle makes a file unusable that is not the one at its path any more. If that
// was removed, a start would find no file, make a new state, and record all that
// happened since as what was there before, with no events: so what is open is
// copied and put back, and the next start goes on as if nothing had happened.
// It returns err, with what was done about it. No commit may be under way.
func (s *Store) settle(err error) error {
	if s.broken.Load() != nil {
		return err
	}
	switch {
	case errors.Is(err, errCut):
	case errors.Is(err, errRemoved), errors.Is(err, errReplaced):
		if done, rescueErr := s.rescue(); rescueErr != nil {
			err = fmt.Errorf("%w; a copy of it could not be put back (%w): restore one before the next start", err, rescueErr)
		} else {
			err = fmt.Errorf("%w; %s", err, done)
		}
	default:
		return err
	}
	err = fmt.Errorf("state %s: %w", s.path, err)
	s.broken.Store(&brokenError{error: err})
	return err
}

// rescue puts a copy of the open file back in its place, or beside it where
// another file is in that place. The copy is locked before it has the name, as
// the file was: the lock also guards the embedded server's folder.
func (s *Store) rescue() (done string, err error) {
	dir := filepath.Dir(s.path)
	if err := makeFolder(dir); err != nil {
		return "", err
	}
	tmp := tempPath(dir)
	defer func() { _ = os.Remove(tmp) }()
	if err := s.copyTo(tmp); err != nil {
		return "", err
	}
	heir, err := openFile(tmp, false)
	if err != nil {
		return "", err
	}
	s.heir = heir // closed with the rest
	err = link(tmp, s.path)
	done = "a copy is in its place again, with all that was committed: a new start goes on with it"
	if errors.Is(err, os.ErrExist) {
		name := beside(s.path, "replaced")
		err = link(tmp, name)
		done = fmt.Sprintf("what this process had is kept as %s: a new start goes on with the other file, "+
			"and notifier restore takes this one back", name)
	}
	return done, errors.Join(err, syncDir(dir))
}

// copyTo writes what the state has, as of now, into a new file.
func (s *Store) copyTo(path string) error {
	f, err := openNew(path, os.O_RDWR, fileMode)
	if err != nil {
		return err
	}
	err = guarded(func() error {
		return s.file.db.View(func(tx *bolt.Tx) error {
			_, err := tx.WriteTo(f)
			return err
		})
	})
	return errors.Join(err, f.Sync(), f.Close())
}
