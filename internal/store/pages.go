package store

import (
	"encoding/binary"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

// How bbolt writes a page: a header, elements of one size, and the keys and
// values to which these point. A bucket is a value: a header, and if that has no
// page for its root, then a page of its own right behind.
const (
	pageHeader   = 16
	pageElement  = 16
	bucketHeader = 16

	branchPage = 0x01
	leafPage   = 0x02
	freelist   = "freelist"
	free       = "free"

	bucketElement = 0x01 // flag of an element of a leaf

	// maxDepth bounds the tree: no state that fits on a disk has so many levels.
	maxDepth = 64
)

// pages looks at how the pages of a file hang together, before bbolt does. It
// would follow a page that leads back to itself for ever, and take memory for
// it until there is none; and it would write to a page that is in use, if that
// is in the list of free ones.
type pages struct {
	file io.ReaderAt
	size uint64 // of a page
	used []bool // by the tree, for all pages
}

// checkPages goes once through the tree of pages. Each page must be in it once,
// or be free.
func checkPages(tx *bolt.Tx, file io.ReaderAt) error {
	size := tx.DB().Info().PageSize
	p := pages{file: file, size: uint64(size), used: make([]bool, tx.Size()/int64(size))} //nolint:gosec // of a page
	if err := p.walk(uint64(tx.Cursor().Bucket().Root()), 0); err != nil {
		return err
	}
	for id := 2; id < len(p.used); id++ { // after the two headers
		switch info, err := tx.Page(id); {
		case err != nil:
			return err
		case (info.Type == free) != p.used[id]:
		case info.Type == freelist && id+info.OverflowCount < len(p.used):
			id += info.OverflowCount
		default:
			return damagedPage(uint64(id))
		}
	}
	return nil
}

func damagedPage(id uint64) error {
	return fmt.Errorf("%w: page %d does not fit to the others", ErrDamaged, id)
}

// walk looks at a page and at all that it leads to.
func (p *pages) walk(id uint64, depth int) error {
	high := uint64(len(p.used))
	head := make([]byte, pageHeader)
	if id < 2 || id >= high || depth > maxDepth {
		return damagedPage(id)
	}
	if _, err := p.file.ReadAt(head, int64(id*p.size)); err != nil { //nolint:gosec // within the file
		return err
	}
	more := uint64(binary.NativeEndian.Uint32(head[12:]))
	if binary.NativeEndian.Uint64(head) != id || more >= high-id {
		return damagedPage(id)
	}
	for n := id; n <= id+more; n++ {
		if p.used[n] {
			return damagedPage(n)
		}
		p.used[n] = true
	}
	page := make([]byte, (more+1)*p.size)
	if _, err := p.file.ReadAt(page, int64(id*p.size)); err != nil { //nolint:gosec // within the file
		return err
	}
	return p.elements(id, page, depth)
}

// elements looks at what a page consists of. It may also be within the page id.
func (p *pages) elements(id uint64, page []byte, depth int) error {
	if len(page) < pageHeader {
		return damagedPage(id)
	}
	kind, n := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	if kind != branchPage && kind != leafPage || len(page) < pageHeader+n*pageElement {
		return damagedPage(id)
	}
	for i := range n {
		e := page[pageHeader+i*pageElement:] // positions are from here on
		var err error
		if kind == branchPage {
			pos, key := field(e, 0), field(e, 4)
			if pos+key > uint64(len(e)) {
				return damagedPage(id)
			}
			err = p.walk(binary.NativeEndian.Uint64(e[8:]), depth+1)
		} else {
			pos, key, value := field(e, 4), field(e, 8), field(e, 12)
			if pos+key+value > uint64(len(e)) {
				return damagedPage(id)
			}
			if field(e, 0)&bucketElement != 0 {
				err = p.bucket(id, e[pos+key:pos+key+value], depth+1)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func field(element []byte, at int) uint64 { return uint64(binary.NativeEndian.Uint32(element[at:])) }

func (p *pages) bucket(id uint64, value []byte, depth int) error {
	if len(value) < bucketHeader {
		return damagedPage(id)
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return p.walk(root, depth)
	}
	return p.elements(id, value[bucketHeader:], depth)
}
