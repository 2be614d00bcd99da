package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/internal/crashpoint"
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
	keyFormer   = []byte("former")
	keyInfo     = []byte("info")
	keyCensus   = []byte("census")
	keyNote     = []byte("note")
	keyRelayed  = []byte("relayed")
	keyDropped  = []byte("dropped")
	keyMarks    = []byte("marks")
)

// Store is an open state file. It is safe for concurrent use.
type Store struct {
	path      string // with symbolic links followed
	id        string
	former    []string
	committed chan struct{}

	// writing is held by each commit and by whatever needs that there is none;
	// swap is held, for reading, while the file is read, and for writing while
	// another takes its place. Who needs both takes them in this order.
	writing sync.Mutex
	swap    sync.RWMutex
	file    *boltFile
	closed  bool
	scratch bool // it is a copy that nobody else has

	// used is how many bytes of the file are in use at least; broken is why it
	// must not be used any more, and heir the copy that was put in its place.
	used   atomic.Int64
	broken atomic.Pointer[brokenError]
	heir   *boltFile

	compactAbove int64                           // bytes that must be free before a compaction
	wrap         func(commit func() error) error // nil: nothing is around it
}

// Open opens the state file at path and locks it, creating it (and its
// folder) if there is none. Its errors wrap ErrLocked, ErrDamaged or ErrNewer
// where one of these is the reason.
func Open(path string) (*Store, error) {
	if err := makeFolder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("create state %s: %w", path, err)
		}
	}
	return OpenExisting(path)
}

// OpenExisting is Open for a state that there must be: its error wraps
// os.ErrNotExist if there is none.
func OpenExisting(path string) (*Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	if info.Size() == 0 {
		// bbolt would make a new state of it, and tell everything again.
		return nil, explain(path, fmt.Errorf("%w: it is empty", ErrDamaged))
	}
	if err := os.Chmod(path, fileMode); err != nil {
		return nil, fmt.Errorf("state %s must belong to the user that runs this: %w", path, err)
	}
	// A file that takes the state's place must not take that of a link to it.
	at, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	file, err := openLocked(at)
	if err != nil {
		return nil, explain(path, err)
	}
	removeTemps(filepath.Dir(at))
	s, err := newStore(at, file, checkHeaders)
	if err != nil {
		return nil, explain(path, err)
	}
	return s, nil
}

// newStore checks all of an open file, and closes it if it does not pass.
func newStore(path string, file *boltFile, headers func(*bolt.DB, io.ReaderAt) error) (*Store, error) {
	s := &Store{path: path, file: file, committed: make(chan struct{}, 1), compactAbove: compactAbove}
	s.scratch = strings.HasSuffix(path, tempSuffix)
	err := headers(file.db, file.file)
	if err == nil {
		err = s.readMeta(file.file)
	}
	if err == nil && !file.db.IsReadOnly() {
		err = s.migrate()
	}
	if err == nil {
		err = s.view(s.checkRecords)
	}
	if err != nil {
		_ = s.closeFile()
		return nil, err
	}
	return s, nil
}

// explain says what to do about a file that does not open.
func explain(path string, err error) error {
	switch {
	case errors.Is(err, errOneHeader):
		return fmt.Errorf("state %s: %w; restore a copy of it (notifier restore FILE), or take what it has: "+
			"notifier restore --repair %s", path, err, path)
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("state %s: %w; restore a copy of it (notifier restore FILE), or move it away: "+
			"then everything is seen for the first time, and events have new ids", path, err)
	}
	return fmt.Errorf("state %s: %w", path, err)
}

// Close lets the file go. It waits for transactions in hand. A file that was
// removed meanwhile is put back before.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return nil
	}
	var err error
	if s.broken.Load() == nil { // else it was told already
		err = s.settle(s.identity(s.used.Load()))
	}
	s.swap.Lock()
	defer s.swap.Unlock()
	s.closed = true
	return errors.Join(err, s.closeFile())
}

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

// create makes a new state beside path and links it into place when it is
// whole and on the disk. A crash before the link leaves no state, only a file
// that the next start removes; one right after it leaves the state, and a second
// name of it that the next start removes. Two processes that create at once get
// the same file, since a link never replaces one.
func create(path string) error {
	dir := filepath.Dir(path)
	tmp := tempPath(dir)
	defer func() { _ = os.Remove(tmp) }()
	db, err := bolt.Open(tmp, fileMode, &bolt.Options{Timeout: lockTimeout, OpenFile: openNew})
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
	crashpoint.Here(crashpoint.StoreCreate)
	if err := link(tmp, path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	crashpoint.Here(crashpoint.StoreCreated)
	return syncDir(dir)
}

// begin writes all records of which a state has one, so that one which is
// missing later is damage and not the beginning.
func begin(tx *bolt.Tx) error {
	meta := top(tx, bucketMeta)
	return errors.Join(
		meta.put(keySchema, []byte(strconv.Itoa(schema))),
		meta.put(keyID, []byte(newID())),
		meta.put(keyBaseline, nil),
		meta.putJSON(keySource, Source{}),
		meta.putJSON(keyFormer, []string{}),
		meta.put(bucketBatches, census{}.encode()),
		meta.put(bucketParked, census{}.encode()),
		meta.put(bucketRelay, census{}.encode()),
		counted(tx, bucketRelay, func(relay bucket) error {
			return errors.Join(relay.put(keyNote, nil), relay.put(keyRelayed, sequenceKey(0)),
				relay.put(keyDropped, sequenceKey(0)), relay.put(keyMarks, nil))
		}),
	)
}

func newID() string { return strings.ToLower(rand.Text()[:12]) }

func (s *Store) readMeta(file *os.File) error {
	return s.view(func(tx *bolt.Tx) error {
		// A file that was cut can open; the pages that are gone fault later.
		if info, err := file.Stat(); err != nil {
			return err
		} else if info.Size() < tx.Size() {
			return fmt.Errorf("%w: it has %d bytes of %d", ErrDamaged, info.Size(), tx.Size())
		}
		s.used.Store(tx.Size())
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
		if err := meta.getJSON(keyFormer, &s.former); err != nil {
			return err
		}
		for _, name := range [][]byte{bucketBatches, bucketOutbox, bucketParked, bucketRelay} {
			if tx.Bucket(name) == nil {
				return fmt.Errorf("%w: bucket %s is missing", ErrDamaged, name)
			}
		}
		return nil
	})
}

// checkRecords checks all records, but those of a file of an older schema that may
// not be changed: a migration brings them to what the check knows, and has its own
// look at the result.
func (s *Store) checkRecords(tx *bolt.Tx) error {
	if from, err := schemaOf(tx); err != nil || from < schema {
		return err
	}
	return check(tx)
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
