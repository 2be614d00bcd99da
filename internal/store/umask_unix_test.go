//go:build unix

package store_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/syllable-notifier/notifier/internal/store"
)

// createUnderUmasks makes each kind of file that the store makes, under umasks that
// let everybody in and nobody, and looks at the modes.
func createUnderUmasks(path string, _ func(...any)) error {
	for _, umask := range []int{0, 0o077, 0o777} {
		dir := filepath.Join(filepath.Dir(path), fmt.Sprintf("%03o", umask))
		syscall.Umask(umask)
		state, backup := filepath.Join(dir, "notifier.db"), filepath.Join(dir, "backup")
		s, err := store.Open(state)
		if err != nil {
			return err
		}
		c, err := s.Copy()
		if err != nil {
			return err
		}
		_, err = store.SaveCopy(backup, false, func(w io.Writer) error {
			_, err := io.Copy(w, c)
			return err
		})
		s.CompactAbove(-1)
		_, err2 := s.CompactIfNeeded()
		if err := errors.Join(err, err2, c.Close(), os.Remove(state), s.Close()); !errors.Is(err, store.ErrDamaged) {
			return fmt.Errorf("error %w, want that the file was removed", err)
		}
		if _, err := store.Restore(state, backup, false); err != nil {
			return err
		}
		if err := modes(dir); err != nil {
			return fmt.Errorf("umask %03o: %w", umask, err)
		}
	}
	return nil
}

func modes(dir string) error {
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		return fmt.Errorf("the folder has mode %v, error %w", info.Mode(), err)
	}
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 3 { // the state, the backup, and what was restored over
		return fmt.Errorf("%d files, error %w", len(all), err)
	}
	for _, f := range all {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			return fmt.Errorf("%s has mode %v, error %w", f.Name(), info.Mode(), err)
		}
	}
	return nil
}

// Whatever the umask is, nobody else can read what the store makes, and we can.
func TestFault58ModesUnderAnyUmask(t *testing.T) {
	t.Parallel()
	cmd, lines := childProcess(t, "umask", statePath(t))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		t.Error(lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
