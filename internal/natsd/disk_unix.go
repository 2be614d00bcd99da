//go:build linux || darwin

package natsd

import "syscall"

// diskSpace returns how many bytes a folder's disk has left for us, and how
// many it has.
func diskSpace(dir string) (free, size uint64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, err
	}
	block := uint64(fs.Bsize) //nolint:gosec // a size of blocks
	return fs.Bavail * block, fs.Blocks * block, nil
}
