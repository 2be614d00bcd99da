package app_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/app"
)

// smallDisk is the size of the disk that is filled.
const smallDisk = "4m"

// inOwnNamespace runs the test again in a process that may mount, and reports
// what that says. It returns true in that process.
func inOwnNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inNamespace) != "" {
		return true
	}
	probe := exec.CommandContext(t.Context(), "/bin/true")
	probe.SysProcAttr = ownNamespace()
	if err := probe.Run(); err != nil {
		t.Skipf("this machine does not allow a mount namespace of one's own: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=100s")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = ownNamespace()
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("in a namespace of its own: %v", err)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skip("skipped in its namespace; see above")
	}
	return false
}

// ownNamespace is for a process in which we are root and see mounts of our own.
func ownNamespace() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
}

// mountSmallDisk puts a disk of its own below dir.
func mountSmallDisk(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+smallDisk); err != nil {
		t.Skipf("no disk can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

// fill takes all the space that a disk has left.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("error %v, want that the disk is full", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// While the disk of the embedded server is full, the daemon says so and loses
// nothing; it publishes again by itself once there is space.
func TestFault39FullDisk(t *testing.T) {
	t.Parallel()
	if !inOwnNamespace(t) {
		return
	}
	p, url := newPlatform(t, 60)
	c := settings(t, url)
	c.NATSMaxStore = 64 << 20 // so that the disk ends first
	dir := filepath.Join(c.DataDir, "jetstream")
	mountSmallDisk(t, dir)
	log := &logged{}
	a, _ := beginWith(t, c, textLog(log), func(a *app.App) { a.LookEvery(time.Second) })
	eventually(t, "some calls end", func() bool {
		done := p.Sim.Progress()
		return done.Calls-done.Open > 10
	})
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	eventually(t, "it is not ready, and says that the disk is full", func() bool {
		code, body := get(t, a, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "space")
	})
	// A stream that could not be written takes no more, also when there is space.
	spoil(t, a)
	await(t, p)
	if n, err := a.Waiting(); err != nil || n == 0 {
		t.Errorf("%d events wait, error %v; want some", n, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	eventually(t, "the outbox empties", relayed(a))
	t.Logf("published again %s after there was space", time.Since(begun).Round(time.Second))
	eventually(t, "it is ready", func() bool {
		code, _ := get(t, a, "/readyz")
		return code == http.StatusOK
	})
	if !strings.Contains(log.String(), "stays ill and is restarted") {
		t.Error("the server was not restarted: the stream was not spoilt")
	}
	judge(t, "nats://"+a.NATSAddr(), "", p)
}

// spoil has the stream fail to write a message.
func spoil(t *testing.T, a *app.App) {
	t.Helper()
	nc, err := nats.Connect("nats://" + a.NATSAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if ack, err := js.Publish(t.Context(), "syllable.big", make([]byte, 1<<20)); err == nil {
		t.Fatalf("message %d was stored on a full disk", ack.Sequence)
	}
}
