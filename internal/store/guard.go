package store

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// boltPackage is the beginning of the names of bbolt's functions.
const boltPackage = "go.etcd.io/bbolt"

// errPages says that bbolt could not go on, and may hold its own locks for ever.
var errPages = fmt.Errorf("%w: its pages do not fit together", ErrDamaged)

// guarded runs fn, which reads the file. bbolt panics on pages that do not fit
// together, and reads past the end of a file that was cut, which without
// SetPanicOnFault would end the process. A panic of anybody else, such as of a
// function that was handed in, is none of the file's and goes on.
func guarded(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover(); {
		case r == nil:
		case isFault(r):
			err = errPages // what a fault says of addresses helps nobody
		case fromBolt():
			err = fmt.Errorf("%w: %v", errPages, r)
		default:
			panic(r)
		}
	}()
	return fn()
}

// isFault says whether a panic is of an address that could not be read: the
// file is shorter than its pages say.
func isFault(r any) bool {
	_, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	})
	return ok
}

// fromBolt says whether the panic that is being recovered arose in bbolt: who
// panicked comes right after the runtime's own frames.
func fromBolt() bool {
	pc := make([]uintptr, 32)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			panicking = panicking || f.Function == "runtime.gopanic"
		case panicking:
			return strings.HasPrefix(f.Function, boltPackage)
		}
		if !more {
			return false
		}
	}
}
