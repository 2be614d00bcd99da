//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package store

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// lockRetry is the time between two attempts to lock a file.
const lockRetry = 20 * time.Millisecond

// lockFile locks a file as bbolt does, also one that bbolt cannot open because it
// is damaged. Its error wraps ErrLocked if another process has it for longer than
// lockTimeout. What it returns is to be called in any case.
func lockFile(path string, exclusive bool) (unlock func(), err error) {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(lockRetry) {
		f, err := os.Open(path)
		if err != nil {
			return func() {}, err
		}
		err = syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		same := false
		if err == nil {
			same, err = isAt(f, path) // else it was replaced meanwhile
		}
		if same {
			return func() { _ = f.Close() }, nil
		}
		_ = f.Close()
		switch {
		case err != nil && !errors.Is(err, syscall.EWOULDBLOCK):
			return func() {}, err
		case time.Now().After(deadline):
			return func() {}, ErrLocked
		}
	}
}

// unlockFile lets go of the lock that bbolt has on a file.
func unlockFile(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
}
