package fetch

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"
)

// memoryLimit is how much of a body is kept in memory, in bytes: about 5,000
// results. A larger body goes to a file.
const memoryLimit = 4 << 20

const spoolPattern = "spool-*.tmp"

// spool takes a body as it comes and gives it back as often as wanted.
type spool struct {
	dir    string // for the file
	limit  int    // of memory
	memory []byte
	file   *os.File // nil: all is in memory
	size   int64
	hash   xxh3.Hasher
}

func newSpool(dir string, limit int) *spool { return &spool{dir: dir, limit: limit} }

// Write implements io.Writer.
func (s *spool) Write(p []byte) (int, error) {
	_, _ = s.hash.Write(p)
	s.size += int64(len(p))
	if s.file == nil && len(s.memory)+len(p) <= s.limit {
		s.memory = append(s.memory, p...)
		return len(p), nil
	}
	if s.file == nil {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	return s.file.Write(p)
}

// spill moves what is in memory to a file.
func (s *spool) spill() error {
	f, err := os.CreateTemp(s.dir, spoolPattern)
	if err != nil {
		return fmt.Errorf("file for a large body: %w", err)
	}
	// Without a name the file is gone with the process, however it ends.
	// Where an open file cannot be removed, close does it.
	_ = os.Remove(f.Name())
	s.file = f
	memory := s.memory
	s.memory = nil
	if _, err := f.Write(memory); err != nil {
		return fmt.Errorf("file for a large body: %w", err)
	}
	return nil
}

// reader reads the body from its start.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.memory)
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

func (s *spool) fingerprint() xxh3.Uint128 { return s.hash.Sum128() }

func (s *spool) close() {
	s.memory = nil
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}

// removeLeftovers removes files that a killed process could not remove.
func removeLeftovers(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, spoolPattern))
	for _, name := range left {
		_ = os.Remove(name)
	}
}
