package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Copy is a copy of the state, in a file without a name. Whoever gets it reads it
// once, however slowly, and closes it.
type Copy struct {
	// Size is how many bytes there are to read.
	Size int64
	file *os.File
}

// Read implements io.Reader.
func (c *Copy) Read(p []byte) (int, error) { return c.file.Read(p) }

// Close implements io.Closer.
func (c *Copy) Close() error {
	err := c.file.Close()
	_ = os.Remove(c.file.Name()) // where an open file cannot be removed
	return err
}

// Copy copies the state as of the newest commit, while commits go on. It reads at
// the speed of the disk and never waits for who wants the copy: a transaction that
// is open for long keeps old pages from being used again, so that the file grows.
func (s *Store) Copy() (*Copy, error) {
	f, err := openNew(tempPath(filepath.Dir(s.path)), os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("copy of the state: %w", err)
	}
	// Without a name the file is gone with the process, however it ends.
	_ = os.Remove(f.Name())
	c := &Copy{file: f}
	err = s.view(func(tx *bolt.Tx) error {
		c.Size, err = tx.WriteTo(f)
		return err
	})
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("copy of the state: %w", err)
	}
	return c, nil
}

// Summary is what is said of a copy.
type Summary struct {
	Store string // its id
	Bytes int64
	// Newest is the time of the newest poll or event in it, zero if there is none.
	Newest time.Time
}

// Check looks at all of a state file that nobody has open, as Open does, and
// changes nothing. Its errors are Open's.
func Check(path string) (Summary, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Summary{}, err
	}
	if info.Size() == 0 {
		return Summary{}, fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	f, err := openFile(path, true)
	if err != nil {
		return Summary{}, err
	}
	s, err := newStore(path, f, checkHeaders)
	if err != nil {
		return Summary{}, err
	}
	newest, err := s.newest()
	return Summary{Store: s.id, Bytes: info.Size(), Newest: newest}, errors.Join(err, s.closeFile())
}

// SaveCopy keeps what write gives under the name path, once all of it was checked
// and is on the disk: a copy that is found to be none when it is needed is worse
// than an error today. An error leaves what was there, and is os.ErrExist if
// something was and overwrite is not set.
func SaveCopy(path string, overwrite bool, write func(io.Writer) error) (Summary, error) {
	if _, err := os.Lstat(path); err == nil && !overwrite {
		return Summary{}, fmt.Errorf("%s: %w", path, os.ErrExist)
	}
	dir := filepath.Dir(path)
	tmp := tempPath(dir)
	defer func() { _ = os.Remove(tmp) }()
	f, err := openNew(tmp, os.O_WRONLY, fileMode)
	if err != nil {
		return Summary{}, err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return Summary{}, err
	}
	summary, err := Check(tmp)
	if err != nil {
		return Summary{}, fmt.Errorf("the copy that arrived: %w", err)
	}
	if overwrite {
		err = os.Rename(tmp, path)
	} else {
		err = link(tmp, path)
	}
	return summary, errors.Join(err, syncDir(dir))
}

// newest returns the time of the newest poll or event on record.
func (s *Store) newest() (newest time.Time, err error) {
	later := func(t time.Time) {
		if t.After(newest) {
			newest = t
		}
	}
	err = s.view(func(tx *bolt.Tx) error {
		outbox := top(tx, bucketOutbox)
		for c, k, v := last(outbox.b); k != nil; k, v = c.Prev() {
			payload, err := outbox.unseal(k, v)
			if err != nil {
				return err
			}
			if len(payload) == 0 {
				continue // it was parked
			}
			e, err := decodeEvent(payload)
			if err != nil {
				return err
			}
			later(e.Time)
			break
		}
		return tx.Bucket(bucketBatches).ForEachBucket(func(k []byte) error {
			var b Batch
			err := batchBucket(tx, string(k)).getJSON(keyInfo, &b)
			for _, t := range []*time.Time{b.Polled, b.Looked, b.Last} {
				if t != nil {
					later(*t)
				}
			}
			return err
		})
	})
	return newest, err
}

func last(b *bolt.Bucket) (c *bolt.Cursor, key, value []byte) {
	c = b.Cursor()
	key, value = c.Last()
	return c, key, value
}
