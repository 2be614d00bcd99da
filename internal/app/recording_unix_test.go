//go:build unix

package app_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe to which a recording goes belongs to whoever made it, and stays as it
// is.
func TestRecordingIntoAPipe(t *testing.T) {
	t.Parallel()
	_, url := newPlatform(t, 1)
	c := settings(t, url)
	c.Recording = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(c.Recording, 0o640); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(c.Recording, os.O_RDWR, 0) // so that it opens at once
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	before, err := reader.Stat()
	if err != nil {
		t.Fatal(err)
	}
	_, stop := begin(t, c)
	stop()
	if now, err := reader.Stat(); err != nil || now.Mode() != before.Mode() {
		t.Errorf("mode %v, was %v, error %v", now.Mode(), before.Mode(), err)
	}
}
