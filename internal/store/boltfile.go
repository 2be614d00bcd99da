package store

import (
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// boltFile is a file that bbolt has open and locked.
type boltFile struct {
	db   *bolt.DB
	file *os.File // bbolt's own: not to be closed
}

// openAttempts bounds how often a file may be replaced while it is being opened.
const openAttempts = 10

// openLocked opens the file at path, and makes sure that it is there when it is
// locked: who held the lock before may have put another in its place, by a
// compaction or a restore, and commits to the old one would be lost.
func openLocked(path string) (*boltFile, error) {
	for range openAttempts {
		f, err := openFile(path, false)
		if err != nil {
			return nil, err
		}
		same, err := isAt(f.file, path)
		if same {
			return f, nil
		}
		if err = errors.Join(err, f.db.Close()); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: it is replaced again and again", ErrLocked)
}

// openFile opens an existing file.
func openFile(path string, readOnly bool) (*boltFile, error) {
	f := &boltFile{}
	err := guarded(func() (err error) {
		f.db, err = bolt.Open(path, fileMode, &bolt.Options{
			Timeout:         lockTimeout,
			FreelistType:    bolt.FreelistMapType,
			ReadOnly:        readOnly,
			PreLoadFreelist: true,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				// Never create here: a file that vanished since is an error,
				// not an empty state that would tell everything again.
				f.file, err = os.OpenFile(name, flag&^os.O_CREATE, mode)
				return f.file, err
			},
		})
		return err
	})
	var system *os.PathError
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%w; stop it, or give this one its own NOTIFIER_DATA_DIR", ErrLocked)
	case errors.As(err, &system), errors.Is(err, ErrDamaged):
		return nil, err
	}
	return nil, whyNotOpened(path, err)
}

// openTemp makes a file for a new state, locked from its first moment on.
func openTemp(path string) (*boltFile, error) {
	f := &boltFile{}
	var err error
	f.db, err = bolt.Open(path, fileMode, &bolt.Options{
		Timeout: lockTimeout, FreelistType: bolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f.file, err = openNew(name, flag, mode)
			return f.file, err
		},
	})
	return f, err
}
