package app_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/store"
)

// A second daemon on a data folder ends before it touches the NATS folder: two
// servers on one would destroy it. That its exit code is 3, and that the first
// one is not disturbed, TestScripts has.
func TestFault41TwoOwners(t *testing.T) {
	t.Parallel()
	p, url := newQuickPlatform(t)
	c := settings(t, url)
	a, stop := begin(t, c)
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	stop() // nothing changes the folder by itself from here on
	owner, err := store.Open(filepath.Join(c.DataDir, "notifier.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	before := tree(t, filepath.Join(c.DataDir, "jetstream"))
	if len(before) < 5 {
		t.Fatalf("%d files: this tests nothing", len(before))
	}
	if _, err := app.New(t.Context(), c, "test", quiet); !errors.Is(err, store.ErrLocked) {
		t.Errorf("error %v, want that the state is in use", err)
	}
	if d := cmp.Diff(before, tree(t, filepath.Join(c.DataDir, "jetstream"))); d != "" {
		t.Errorf("the folder was touched (-before +after):\n%s", d)
	}
}

// tree returns what is in a folder: of each file when it was changed, its mode and
// its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files[path] = info.ModTime().String() + " " + info.Mode().String()
		if d.IsDir() {
			return nil
		}
		content, err := os.ReadFile(path)
		files[path] += " " + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
