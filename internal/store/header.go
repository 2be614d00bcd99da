package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// How bbolt writes each of its two headers: the head of a page, and behind it
// magic, version, page size, flags, root (16 bytes), free pages, end of the
// file, number of the commit (8 bytes each), and a checksum over all of it.
const (
	headerMagic   = 0xED0CDAED
	headerVersion = 2
	headerSumAt   = 56
	headerSize    = headerSumAt + 8
)

// errOneHeader says that the newest commit may be missing.
var errOneHeader = fmt.Errorf("%w: one of its two headers is, so that the newest commit may be missing", ErrDamaged)

// checkHeaders looks at both headers. bbolt uses the newer one that is valid, and
// says nothing if the other is not: a flipped bit in the newest header would take
// back the commit that it stands for, and events that the stream has would be
// made again with other content under ids that are used.
//
// Is it no accident of a power cut? A header is 80 bytes at the beginning of a
// page that has the size of the kernel's own, within the first sector, and disks
// write a sector whole or not at all; a write that never arrived leaves the
// header before, which is valid. So a header that is not valid is damage.
func checkHeaders(db *bolt.DB, file io.ReaderAt) error {
	damaged := 0
	for n := range int64(2) {
		h, err := readHeader(file, n*int64(db.Info().PageSize))
		if err != nil {
			return err
		}
		switch {
		case h.newer() && h.valid:
			return newerFormat(h.version)
		case h.magic != headerMagic || h.version != headerVersion || !h.valid:
			damaged++
		}
	}
	if damaged > 0 { // bbolt does not open a file with two that are
		return errOneHeader
	}
	return nil
}

// header is what tells whether a header can be relied on.
type header struct {
	magic, version uint32
	valid          bool // by its checksum
}

func readHeader(file io.ReaderAt, at int64) (header, error) {
	var b [headerSize]byte
	if _, err := file.ReadAt(b[:], at+pageHeader); err != nil && !errors.Is(err, io.EOF) {
		return header{}, err
	}
	sum := fnv.New64a()
	_, _ = sum.Write(b[:headerSumAt])
	return header{
		magic: binary.NativeEndian.Uint32(b[:]), version: binary.NativeEndian.Uint32(b[4:]),
		valid: binary.NativeEndian.Uint64(b[headerSumAt:]) == sum.Sum64(),
	}, nil
}

func (h header) newer() bool { return h.magic == headerMagic && h.version > headerVersion }

func newerFormat(version uint32) error {
	return fmt.Errorf("%w: its file has the format %d, this one knows %d; use that version",
		ErrNewer, version, headerVersion)
}

// whyNotOpened tells a file of a newer format from a damaged one. A newer format
// may have its checksum anywhere: that both headers say the same is enough.
func whyNotOpened(path string, err error) error {
	if !errors.Is(err, berrors.ErrVersionMismatch) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	file, openErr := os.Open(path)
	if openErr != nil {
		return openErr
	}
	defer func() { _ = file.Close() }()
	first, err1 := readHeader(file, 0)
	second, err2 := readHeader(file, int64(os.Getpagesize()))
	if e := errors.Join(err1, err2); e != nil {
		return e
	}
	if first.newer() && (first.valid || second.newer() && first.version == second.version) {
		return newerFormat(first.version)
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
