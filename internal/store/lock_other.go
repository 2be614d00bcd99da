//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package store

import (
	"errors"
	"os"
)

// lockFile says whether another process has the file, by bbolt's own lock. Here it
// does not keep it: whoever restores a state makes sure that no daemon starts
// meanwhile.
func lockFile(path string, _ bool) (unlock func(), err error) {
	f, err := openFile(path, false)
	if err == nil {
		err = f.db.Close()
	} else if errors.Is(err, ErrDamaged) {
		err = nil
	}
	return func() {}, err
}

// unlockFile does nothing here: the lock ends with the process.
func unlockFile(*os.File) {}
