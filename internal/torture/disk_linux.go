package torture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// diskSize is the size of a Disk, in bytes: what the data of a world need, and
// little, since it is copied with each cut.
const diskSize = 64 << 20

// mountOptions keep what nobody syncs from reaching the device by itself for as
// long as a process lives here. The kernel's own write-back does not look at
// anything that is younger than 30 s.
const mountOptions = "noatime,commit=600"

// Disk is an ext4 file system in a file, on a loop device.
type Disk struct {
	// Mount is where it is mounted.
	Mount  string
	image  string
	device string
}

// NewDisk makes a disk in a folder, which is best in memory, and mounts it. It
// needs root. Who gets a disk closes it.
func NewDisk(ctx context.Context, dir string) (*Disk, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("only root can mount a file system")
	}
	f, err := os.CreateTemp(dir, "*.img")
	if err != nil {
		return nil, err
	}
	err = errors.Join(f.Truncate(diskSize), f.Close())
	if err == nil {
		// Nothing is left to be set up later: only the daemon writes.
		err = run(ctx, "mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", f.Name())
	}
	d := &Disk{image: f.Name(), Mount: f.Name() + ".mount"}
	if err == nil {
		err = d.attach(ctx)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// attach gives the image a device and mounts it; what is in the journal takes
// effect then.
func (d *Disk) attach(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "losetup", "--find", "--show", d.image).Output() //nolint:gosec // our own file
	if err != nil {
		return fmt.Errorf("losetup: %w", err)
	}
	d.device = strings.TrimSpace(string(out))
	return d.mount(ctx)
}

func (d *Disk) mount(ctx context.Context) error {
	if err := os.MkdirAll(d.Mount, 0o700); err != nil {
		return err
	}
	return run(ctx, "mount", "-o", mountOptions, d.device, d.Mount)
}

// Close takes the disk away, with all that is on it.
func (d *Disk) Close() {
	ctx := context.Background() // also after a test was given up
	_ = run(ctx, "umount", "--lazy", d.Mount)
	if d.device != "" {
		_ = run(ctx, "losetup", "--detach", d.device) // when the last user lets go
	}
	_ = os.Remove(d.Mount)
	_ = os.Remove(d.image)
}

// Cut stops a process that writes to the disk, and returns what is left of the
// disk when the power goes at that moment: what the device has got so far. The
// process is killed then, and the old disk closed.
//
// A thread within a sync is stopped when that returns: the moments that are met
// are those between two system calls of each thread. Nor does the device lose or
// reorder what it has acknowledged, as some do.
func (d *Disk) Cut(ctx context.Context, p *Process) (*Disk, error) {
	defer d.Close()
	defer p.Kill()
	f, err := os.CreateTemp(filepath.Dir(d.image), "*.img")
	if err != nil {
		return nil, err
	}
	_ = f.Close()
	image := f.Name()
	after := &Disk{image: image, Mount: image + ".mount"}
	p.Signal(syscall.SIGSTOP)
	if err := d.still(ctx, func() error { return copyFile(d.image, image) }); err != nil {
		after.Close()
		return nil, err
	}
	p.Kill()
	if err := after.attach(ctx); err != nil {
		after.Close()
		return nil, fmt.Errorf("mount what is left after the cut: %w", err)
	}
	if err := after.check(ctx); err != nil {
		after.Close()
		return nil, err
	}
	return after, nil
}

// stillTimeout bounds the wait for a device to which nothing is written.
const stillTimeout = 10 * time.Second

// still runs fn while the device does not move: as often as it takes.
func (d *Disk) still(ctx context.Context, fn func() error) error {
	for end := time.Now().Add(stillTimeout); time.Now().Before(end) && ctx.Err() == nil; {
		before, err := d.writes()
		if err == nil {
			err = fn()
		}
		if err != nil {
			return err
		}
		after, err := d.writes()
		if err != nil {
			return err
		}
		if before == after && before.underWay == 0 {
			return nil
		}
	}
	return fmt.Errorf("%s did not come to rest within %s", d.device, stillTimeout)
}

type writes struct{ done, underWay uint64 }

// writes returns how many writes the device has done, and how many of its
// requests are under way.
func (d *Disk) writes() (writes, error) {
	b, err := os.ReadFile("/sys/block/" + filepath.Base(d.device) + "/stat")
	if err != nil {
		return writes{}, err
	}
	const doneAt, underWayAt = 4, 8 // see the kernel's Documentation/block/stat
	fields := strings.Fields(string(b))
	if len(fields) <= underWayAt {
		return writes{}, fmt.Errorf("%s: %d fields in its stat", d.device, len(fields))
	}
	done, err := strconv.ParseUint(fields[doneAt], 10, 64)
	if err != nil {
		return writes{}, err
	}
	underWay, err := strconv.ParseUint(fields[underWayAt], 10, 64)
	return writes{done, underWay}, err
}

// check says what is wrong with the file system itself, which would be no fault
// of the daemon's.
func (d *Disk) check(ctx context.Context) error {
	return errors.Join(
		run(ctx, "umount", d.Mount),
		run(ctx, "e2fsck", "-fn", d.device),
		d.mount(ctx),
	)
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // it was only read
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput() //nolint:gosec // commands of this file
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
