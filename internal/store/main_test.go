package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// childVariable says which of the children below the test binary is, and which
// file it works on.
const (
	childVariable = "STORE_TEST_CHILD"
	childPath     = "STORE_TEST_PATH"
)

// children are what a process of its own does, for tests that kill it, or change
// what holds for a whole process. Their error is what they print at last.
var children = map[string]func(path string, say func(...any)) error{
	"commits": commitAndSay,
	"umask":   createUnderUmasks,
	"full":    fillTheDisk,
}

func TestMain(m *testing.M) {
	child := os.Getenv(childVariable)
	if child == "" {
		os.Exit(m.Run())
	}
	say := func(what ...any) { fmt.Fprintln(os.Stdout, what...) }
	if err := children[child](os.Getenv(childPath), say); err != nil {
		say(err)
		os.Exit(1)
	}
}

// childProcess returns a child that is not started yet, and what it says.
func childProcess(t *testing.T, child, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childVariable+"="+child, childPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}
