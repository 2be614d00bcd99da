package store_test

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/store"
)

// headerOf returns what counts of one of the two headers.
func headerOf(content []byte, n int) []byte { return content[n*os.Getpagesize()+16:][:64] }

// seal writes the checksum that fits.
func seal(header []byte) {
	sum := fnv.New64a()
	sum.Write(header[:56])
	binary.NativeEndian.PutUint64(header[56:], sum.Sum64())
}

func writeState(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notifier.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bbolt goes on with the other header where one is damaged, which may be one commit
// older. That is a committed record lost, so it is refused, whichever it is, and
// the error says how to go on.
func TestFault28OneHeader(t *testing.T) {
	t.Parallel()
	whole, want := manyCommits(t)
	for n := range 2 {
		for at := range 64 {
			content := slices.Clone(whole)
			headerOf(content, n)[at] ^= 1
			path := writeState(t, content)
			_, err := store.Open(path)
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "notifier restore --repair "+path) {
				t.Errorf("header %d, byte %d: error %v, want that it is damaged, and what to do", n, at, err)
			}
			if _, err := store.Check(path); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("header %d, byte %d: error %v of the check", n, at, err)
			}
			if after, _ := os.ReadFile(path); !slices.Equal(after, content) {
				t.Errorf("header %d, byte %d: the file was changed", n, at)
			}
		}
	}
	// The way that the error names: the state has all but its newest commit, at
	// most, a new id, and two headers again.
	for n := range 2 {
		content := slices.Clone(whole)
		headerOf(content, n)[60] ^= 1
		path := writeState(t, content)
		if _, err := store.Restore(path, path, false); err == nil {
			t.Error("the state itself was restored without --repair")
		}
		r, err := store.Restore(path, path, true)
		if err != nil {
			t.Fatal(err)
		}
		got := see(t, open(t, path))
		if d := cmp.Diff(want[0], r.Former[0]); d != "" || got[0] != r.Store || got[0] == want[0] {
			t.Errorf("store %s of %s, former %v", got[0], want[0], r.Former)
		}
		// One of the headers is of the newest commit, the other of the one before.
		if len(got) != len(want) {
			t.Errorf("%d records, want %d", len(got), len(want))
		}
	}
}

// A newer format is no damage, wherever it keeps its checksum, and also when only
// one header has it: bbolt would go on with the older one.
func TestFault27NewerFormat(t *testing.T) {
	t.Parallel()
	whole, _ := manyCommits(t)
	for name, tt := range map[string]struct {
		headers []int
		sealed  bool
		want    error
	}{
		"both":                       {[]int{0, 1}, true, store.ErrNewer},
		"both, another checksum":     {[]int{0, 1}, false, store.ErrNewer},
		"the first":                  {[]int{0}, true, store.ErrNewer},
		"the second":                 {[]int{1}, true, store.ErrNewer},
		"the first, damaged as well": {[]int{0}, false, store.ErrDamaged},
	} {
		content := slices.Clone(whole)
		for _, n := range tt.headers {
			h := headerOf(content, n)
			binary.NativeEndian.PutUint32(h[4:], 3)
			if tt.sealed {
				seal(h)
			}
		}
		path := writeState(t, content)
		if _, err := store.Open(path); !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", name, err, tt.want)
		}
		if after, _ := os.ReadFile(path); !slices.Equal(after, content) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}
