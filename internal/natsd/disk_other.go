//go:build !linux && !darwin

package natsd

import "errors"

// diskSpace is not known to us on this system.
func diskSpace(string) (free, size uint64, err error) { return 0, 0, errors.ErrUnsupported }
