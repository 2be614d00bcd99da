package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/syllable-notifier/notifier/internal/store"
)

// notPermitted is what the child says where it may not mount.
const notPermitted = "not permitted"

// fillTheDisk mounts a disk of 4 MB that nobody else sees, and fills it.
func fillTheDisk(path string, say func(...any)) error {
	dir := filepath.Dir(path)
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		say(notPermitted, err)
		return nil
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		say(notPermitted, err)
		return nil
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	commits := 0
	commit := func() error {
		err := s.Update("b", func(tx *store.Tx) error {
			e := newEvent("b", uint64(commits+1))
			e.Data = bytes.Repeat([]byte("x"), 50_000)
			return errors.Join(tx.PutCall(fmt.Sprint("r", commits), store.Call{}), tx.Append(e))
		})
		if err == nil {
			commits++
		}
		return err
	}
	// Something else has half of the disk, and gives back a part in each round: one
	// that differs, so that the disk is full in another place of a commit.
	other, size := filepath.Join(dir, "other"), 2_000_000
	if err := os.WriteFile(other, make([]byte, size), 0o600); err != nil {
		return err
	}
	failed := 0
	for round := range 3 {
		for err = commit(); err == nil; err = commit() {
		}
		if !errors.Is(err, syscall.ENOSPC) && !strings.Contains(err.Error(), "no space left") {
			return fmt.Errorf("error %w, want that there is no space", err)
		}
		for range 20 { // more failures change nothing
			if err := commit(); err == nil {
				break // a smaller commit may still fit
			}
			failed++
		}
		if err := holds(s, commits); err != nil {
			return fmt.Errorf("while the disk is full: %w", err)
		}
		size -= 500_000 + 10_000*round
		if err := os.Truncate(other, int64(size)); err != nil {
			return err
		}
		if err := commit(); err != nil {
			return fmt.Errorf("with space again in round %d: %w", round, err)
		}
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = store.Open(path); err != nil {
		return err
	}
	say(commits, "commits,", failed+3, "failed")
	return errors.Join(holds(s, commits), compactOnFullDisk(s, other), s.Close())
}

// compactOnFullDisk sees that a compaction for which there is no space leaves the
// state as it is, and in use.
func compactOnFullDisk(s *store.Store, other string) error {
	pending, err := s.Pending()
	if err = errors.Join(err, s.Relayed(pending, nil), letAllGo(s)); err != nil {
		return err
	}
	s.CompactAbove(0)
	if err := os.WriteFile(other, make([]byte, 4<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("error %w, want that the disk is full", err)
	}
	if _, err := s.CompactIfNeeded(); err == nil || errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("compaction on a full disk: error %w, want one that is no damage", err)
	}
	if err := errors.Join(os.Remove(other), s.PutPlace("slack", nil)); err != nil {
		return fmt.Errorf("with space again: %w", err)
	}
	if done, err := s.CompactIfNeeded(); err != nil || done.After > done.Before/2 {
		return fmt.Errorf("compaction with space again: %v, error %w", done, err)
	}
	return nil
}

func holds(s *store.Store, commits int) error {
	pending, err := s.Pending()
	calls := 0
	err = errors.Join(err, s.View("b", func(tx *store.Tx) error {
		return tx.EachCall(func(string, store.Call) error {
			calls++
			return nil
		})
	}))
	if err == nil && (calls != commits || pending != uint64(commits)) {
		err = fmt.Errorf("%d calls and %d events of %d commits", calls, pending, commits)
	}
	return err
}

// A full disk fails the commit and nothing else: what was committed can be read,
// and once there is space commits work again, without a restart.
func TestFault22DiskFull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notifier.db")
	cmd, lines := childProcess(t, "full", path)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	err := cmd.Start()
	if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		t.Skipf("a disk of one's own takes a user namespace, which this system does not give: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for lines.Scan() {
		said += lines.Text() + "\n"
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	if strings.HasPrefix(said, notPermitted) {
		t.Skipf("a disk cannot be mounted in a user namespace here: %s", said)
	}
	t.Log(said)
}
