package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Files that are being made have names of this form until they are whole.
const (
	tempPrefix = ".notifier-"
	tempSuffix = ".tmp"
)

func tempPath(dir string) string {
	return filepath.Join(dir, tempPrefix+strings.ToLower(rand.Text())+tempSuffix)
}

// openNew makes a file that nobody else may read, whatever the umask is: a
// wider one would open it, and a narrower one would close it to ourselves.
func openNew(path string, flag int, _ os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(fileMode); err != nil {
		_ = f.Close()
		_ = os.Remove(path)
		return nil, err
	}
	return f, nil
}

// removeTemps removes what a crash left of files that were being made: they hold
// phone numbers, and may be large. Only who has locked the state may do so. A
// process that makes a first state at this very moment loses the race for it
// either way.
func removeTemps(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, tempPrefix+"*"+tempSuffix)) // the pattern is good
	for _, name := range left {
		_ = os.Remove(name)
	}
}

// makeFolder makes the folder, if there is none, and every one above it that is
// missing. Each new name is synced: a power cut would otherwise take the folder,
// with all that was committed in it.
func makeFolder(dir string) error {
	var missing []string
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || !errors.Is(err, os.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		missing = append(missing, at)
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	for _, at := range missing {
		if err := errors.Join(os.Chmod(at, dirMode), syncDir(filepath.Dir(at))); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// link gives the file tmp the name path, and takes nobody else's away: its error
// is os.ErrExist if the name is in use. The name tmp may stay. Not every file
// system has links; without, two processes that do this at once are told apart
// by the lock alone.
func link(tmp, path string) error {
	err := os.Link(tmp, path)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	if _, taken := os.Lstat(path); taken == nil {
		return fmt.Errorf("%s: %w", path, os.ErrExist)
	}
	return os.Rename(tmp, path)
}

// beside returns a name beside path that is not in use, and says what the file is
// and when it became that.
func beside(path, what string) string {
	first := path + "." + what + "-" + time.Now().UTC().Format("20060102T150405Z")
	name := first
	for n := 2; ; n++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = fmt.Sprintf("%s-%d", first, n)
	}
}

// copyNew copies what r has into a new file, on the disk.
func copyNew(path string, r io.Reader) error {
	f, err := openNew(path, os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}

// isAt says whether the open file is the one that path names.
func isAt(file *os.File, path string) (bool, error) {
	open, err := file.Stat()
	if err != nil {
		return false, err
	}
	at, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(open, at), err
}
