package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// schema is the version of the bucket tree that this program writes.
const schema = 2

// Modes of what the store creates: the state holds phone numbers.
const (
	fileMode = 0o600
	dirMode  = 0o700
)

// lockTimeout is how long Open waits for another process to let the file go.
const lockTimeout = time.Second

var (
	// ErrLocked says that another process has the state open.
	ErrLocked = errors.New("the state is in use by another process")
	// ErrDamaged says that the file, or a record in it, is not what was written.
	ErrDamaged = errors.New("the state is damaged")
	// ErrNewer says that a newer version of the program wrote the state.
	ErrNewer = errors.New("the state was written by a newer version")
)

var (
	bucketMeta    = []byte("meta")
	bucketBatches = []byte("batches")
	bucketCalls   = []byte("calls")
	bucketOutbox  = []byte("outbox")
	bucketParked  = []byte("parked")
	bucketRelay   = []byte("relay")

	keySchema   = []byte("schema")
	keyID       = []byte("id")
	keyBaseline = []byte("baseline")
	keySource   = []byte("source")
	keyInfo     = []byte("info")
	keyCensus   = []byte("census")
	keyNote     = []byte("note")
	keyRelayed  = []byte("relayed")
	keyDropped  = []byte("dropped")
	keyMarks    = []byte("marks")
)

// Store is an open state file. It is safe for concurrent use.
type Store struct {
	db        *bolt.DB
	id        string
	committed chan struct{}
	wrap      func(commit func() error) error // nil: nothing is around it
}

// Open opens the state file at path and locks it, creating it (and its
// folder) if there is none. Its errors wrap ErrLocked, ErrDamaged or ErrNewer
// where one of these is the reason.
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		if err := create(path); err != nil {
			return nil, fmt.Errorf("create state %s: %w", path, err)
		}
	case err == nil && info.Size() == 0:
		// bbolt would make a new state of it, and tell everything again.
		return nil, explain(path, fmt.Errorf("%w: it is empty", ErrDamaged))
	}
	if err := os.Chmod(path, fileMode); err != nil {
		return nil, fmt.Errorf("state %s must belong to the user that runs this: %w", path, err)
	}
	db, file, err := openFile(path)
	if err != nil {
		return nil, explain(path, err)
	}
	s := &Store{db: db, committed: make(chan struct{}, 1)}
	err = s.readMeta(file)
	if err == nil {
		err = s.migrate()
	}
	if err == nil {
		err = s.view(check)
	}
	if err != nil {
		_ = db.Close()
		return nil, explain(path, err)
	}
	return s, nil
}

// explain says what to do about a file that does not open.
func explain(path string, err error) error {
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("state %s: %w; restore a copy of it, or move it away: "+
			"then everything is seen for the first time, and events have new ids", path, err)
	}
	return fmt.Errorf("state %s: %w", path, err)
}

// Close lets the file go. It waits for transactions in hand.
func (s *Store) Close() error { return s.db.Close() }

// ID returns the store id, made once with the file: the first part of every
// event id.
func (s *Store) ID() string { return s.id }

// Committed returns a channel that receives after events were committed; one
// receipt may stand for several commits.
func (s *Store) Committed() <-chan struct{} { return s.committed }

func (s *Store) signal() {
	select {
	case s.committed <- struct{}{}:
	default:
	}
}

// openFile opens an existing file, and returns also the file under it.
func openFile(path string) (db *bolt.DB, file *os.File, err error) {
	err = guarded(func() error {
		db, err = bolt.Open(path, fileMode, &bolt.Options{
			Timeout:      lockTimeout,
			FreelistType: bolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				// Never create here: a file that vanished since is an error,
				// not an empty state that would tell everything again.
				file, err = os.OpenFile(name, flag&^os.O_CREATE, mode)
				return file, err
			},
		})
		return err
	})
	var system *os.PathError
	switch {
	case err == nil:
		return db, file, nil
	case errors.Is(err, berrors.ErrTimeout):
		return nil, nil, fmt.Errorf("%w; stop it, or give this one its own NOTIFIER_DATA_DIR", ErrLocked)
	case errors.As(err, &system), errors.Is(err, ErrDamaged):
		return nil, nil, err
	}
	return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
}

// view and update are bbolt's, guarded. An update that panics is rolled back.
func (s *Store) view(fn func(*bolt.Tx) error) error {
	return guarded(func() error { return s.db.View(fn) })
}

func (s *Store) update(fn func(*bolt.Tx) error) error {
	commit := func() error { return guarded(func() error { return s.db.Update(fn) }) }
	if s.wrap != nil {
		return s.wrap(commit)
	}
	return commit()
}

// create makes a new state beside path and links it into place when it is
// whole and on the disk. A crash before the link leaves no state, only a file
// that the next start ignores; two processes that create at once get the same
// file, since a link never replaces one.
func create(path string) error {
	dir := filepath.Dir(path)
	tmp := filepath.Join(dir, ".notifier-"+strings.ToLower(rand.Text())+".tmp")
	defer func() { _ = os.Remove(tmp) }()
	db, err := bolt.Open(tmp, fileMode, &bolt.Options{Timeout: lockTimeout})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketBatches, bucketOutbox, bucketParked, bucketRelay} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return begin(tx)
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, os.ErrExist) {
		// Not every file system has links. Without, two processes that create
		// at once are told apart by the lock alone.
		if err := os.Rename(tmp, path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

// begin writes all records of which a state has one, so that one which is
// missing later is damage and not the beginning.
func begin(tx *bolt.Tx) error {
	meta := top(tx, bucketMeta)
	return errors.Join(
		meta.put(keySchema, []byte(strconv.Itoa(schema))),
		meta.put(keyID, []byte(strings.ToLower(rand.Text()[:12]))),
		meta.put(keyBaseline, nil),
		meta.putJSON(keySource, Source{}),
		meta.put(bucketBatches, census{}.encode()),
		meta.put(bucketParked, census{}.encode()),
		meta.put(bucketRelay, census{}.encode()),
		counted(tx, bucketRelay, func(relay bucket) error {
			return errors.Join(relay.put(keyNote, nil), relay.put(keyRelayed, sequenceKey(0)),
				relay.put(keyDropped, sequenceKey(0)), relay.put(keyMarks, nil))
		}),
	)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s *Store) readMeta(file *os.File) error {
	return s.view(func(tx *bolt.Tx) error {
		// A file that was cut can open; the pages that are gone fault later.
		if info, err := os.Stat(s.db.Path()); err != nil {
			return err
		} else if info.Size() < tx.Size() {
			return fmt.Errorf("%w: it has %d bytes of %d", ErrDamaged, info.Size(), tx.Size())
		}
		if err := checkPages(tx, file); err != nil {
			return err
		}
		if _, err := schemaOf(tx); err != nil {
			return err
		}
		meta := top(tx, bucketMeta)
		id, err := meta.get(keyID)
		if err != nil {
			return err
		}
		if len(id) == 0 {
			return fmt.Errorf("%w: it has no id", ErrDamaged)
		}
		s.id = string(id)
		for _, name := range [][]byte{bucketBatches, bucketOutbox, bucketParked, bucketRelay} {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, name)
			}
		}
		return nil
	})
}

// schemaOf returns the schema of a tree, which this program must know.
func schemaOf(tx *bolt.Tx) (int, error) {
	meta := top(tx, bucketMeta)
	if meta.b == nil {
		return 0, fmt.Errorf("%w: it has no schema; it is not a state of this program", ErrDamaged)
	}
	v, err := meta.get(keySchema)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(v))
	switch {
	case err != nil || n < 1:
		return 0, fmt.Errorf("%w: schema %q", ErrDamaged, v)
	case n > schema:
		return 0, fmt.Errorf("%w: schema %d, this one knows %d; use that version", ErrNewer, n, schema)
	}
	return n, nil
}

// Wrap puts something around each commit, for simulations of a disk that fails. It
// must be called before the first.
func (s *Store) Wrap(commit func(func() error) error) { s.wrap = commit }
