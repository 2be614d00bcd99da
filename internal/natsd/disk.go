package natsd

import (
	"errors"
	"fmt"
)

// ErrDiskFull is wrapped by what [Server.Healthy] returns while the disk of the
// store has no space left. A restart does not help before there is some.
var ErrDiskFull = errors.New("no space left on the disk of the nats store")

// A disk counts as full when it has room for less than two of the largest
// messages, or a small one when a sixteenth of it is left. What is written then
// fails in ways that do not tell why: a batch is "incomplete", or is answered
// with silence.
const (
	minFree  = 2 * MaxPayload
	minShare = 16
)

// checkDisk says whether the disk of a folder is full. A disk that cannot be
// asked counts as not full: what fails because of it will tell.
func checkDisk(dir string) error {
	free, size, err := diskSpace(dir)
	if isFull := err == nil && free < min(minFree, size/minShare); !isFull {
		return nil
	}
	return fmt.Errorf("%w: %s has %d bytes; make room, events wait in the state until then", ErrDiskFull, dir, free)
}
