package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Restored is what Restore did.
type Restored struct {
	// Store is the new id, Former those that the state had before, the newest
	// last.
	Store  string
	Former []string
	// Aside is where the state is now that was in the place, "" if none was.
	Aside string
	// Newest is the time of the newest poll or event that was restored, zero if
	// there is none.
	Newest time.Time
}

// Former returns the ids that the state had before it was restored from copies,
// the newest last. Events in the outbox may have them.
func (s *Store) Former() []string { return slices.Clone(s.former) }

// Restore puts a copy of the state file in the place at path, where no process may
// have one open, under a new store id: since the copy was made, events may have
// been published under ids that it would give again, to other events, and the
// stream would take these for duplicates. The state that was there is kept beside
// it. With repair the copy, which may then be the state itself, is also taken if
// one of its two headers is damaged. An error leaves all as it was.
func Restore(path, from string, repair bool) (Restored, error) {
	dir := filepath.Dir(path)
	if err := makeFolder(dir); err != nil {
		return Restored{}, fmt.Errorf("state folder: %w", err)
	}
	if at, err := filepath.EvalSymlinks(path); err == nil {
		path, dir = at, filepath.Dir(at)
	}
	unlock, err := lockFile(path, true)
	there := !errors.Is(err, os.ErrNotExist)
	if err != nil && there {
		return Restored{}, explain(path, err)
	}
	defer unlock()
	tmp := tempPath(dir)
	defer func() { _ = os.Remove(tmp) }()
	if err := copyUnused(tmp, from, path, repair); err != nil {
		return Restored{}, fmt.Errorf("copy %s: %w", from, err)
	}
	// It stays open, and by that locked, until it is in the place for good.
	s, err := openCopy(tmp, repair)
	if errors.Is(err, errOneHeader) {
		return Restored{}, fmt.Errorf("copy %s: %w; nothing was changed, try another, or take what it has with --repair",
			from, err)
	}
	if err != nil {
		return Restored{}, fmt.Errorf("copy %s: %w; nothing was changed, try another", from, err)
	}
	defer func() { _ = s.closeFile() }()
	r := Restored{Former: append(s.Former(), s.id)}
	if r.Newest, err = s.newest(); err == nil {
		r.Store, err = s.renew(r.Former)
	}
	if err == nil {
		r.Aside, err = replace(path, tmp, there)
	}
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	return r, nil
}

// copyUnused copies a file that no process may have open, byte for byte. The
// state itself, which this process has locked, is only of use for a repair.
func copyUnused(tmp, from, state string, repair bool) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	itself, err := isAt(f, state)
	switch {
	case err != nil:
		return err
	case itself && !repair:
		return errors.New("that is the state itself")
	case !itself:
		unlock, err := lockFile(from, false)
		if errors.Is(err, ErrLocked) {
			return fmt.Errorf("%w: what is copied from it now may be half of a commit; "+
				"notifier backup takes copies of a state in use", ErrLocked)
		} else if err != nil {
			return err
		}
		defer unlock()
	}
	return copyNew(tmp, f)
}

// openCopy checks all of a copy.
func openCopy(path string, repair bool) (*Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	f, err := openFile(path, false)
	if err != nil {
		return nil, err
	}
	return newStore(path, f, func(db *bolt.DB, file io.ReaderAt) error {
		if err := checkHeaders(db, file); !repair || !errors.Is(err, errOneHeader) {
			return err
		}
		return nil
	})
}

// renew gives the state a new id. Each commit writes one of the two headers, so
// that both are whole after two.
func (s *Store) renew(former []string) (id string, err error) {
	id = newID()
	for range 2 {
		err = errors.Join(err, s.update(func(tx *bolt.Tx) error {
			meta := top(tx, bucketMeta)
			return errors.Join(meta.putJSON(keyFormer, former), meta.put(keyID, []byte(id)))
		}))
	}
	return id, err
}

// replace gives the state's name to the file tmp. At no moment is there none with
// that name, since a start would make a new state then. A crash before the rename
// leaves the state as it was, with a second name that a next try does not use
// again; one after it leaves the copy, whole. The folder is synced while both are
// locked: a start that comes before could otherwise commit to a file that a power
// cut takes away.
func replace(path, tmp string, there bool) (aside string, err error) {
	dir := filepath.Dir(path)
	if !there {
		return "", errors.Join(link(tmp, path), syncDir(dir))
	}
	aside = beside(path, "before-restore")
	if err := keep(path, aside); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, path); err != nil {
		_ = os.Remove(aside)
		return "", err
	}
	return aside, syncDir(dir)
}

// keep gives the file at path the name aside as well.
func keep(path, aside string) error {
	if err := os.Link(path, aside); err != nil {
		// Not every file system has links.
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		if err := copyNew(aside, f); err != nil {
			return err
		}
	}
	if err := os.Chmod(aside, fileMode); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
