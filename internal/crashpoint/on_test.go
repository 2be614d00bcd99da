//go:build crashpoints && unix

package crashpoint

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"nowhere:1", "relay.acked", "relay.acked:0", "relay.acked:1:soon"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if o, err := parse(""); o != nil || err != nil {
		t.Errorf("nothing gives %v, %v", o, err)
	}
}

// TestHere runs itself as a process that must not come through.
func TestHere(t *testing.T) {
	t.Parallel()
	if os.Getenv(variable) != "" {
		Here(RelayLeft)
		Here(RelayAcked)
		Here(RelayAcked)
		os.Exit(0)
	}
	for order, want := range map[string]bool{"relay.acked:2": true, "relay.acked:3": false, "relay.one:1": false} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHere$")
		cmd.Env = append(os.Environ(), variable+"="+order)
		err := cmd.Run()
		var exit *exec.ExitError
		killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		if killed != want {
			t.Errorf("%s: %v, want it killed: %t", order, err, want)
		}
	}
}
