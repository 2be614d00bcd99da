package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func isJSON(ts *testscript.TestScript, args []string) error {
	if text := ts.ReadFile(args[0]); !json.Valid([]byte(text)) {
		return fmt.Errorf("%s is not JSON:\n%s", args[0], text)
	}
	return nil
}

func isJSONLog(ts *testscript.TestScript, args []string) error {
	text := ts.ReadFile(args[0])
	if text == "" {
		return fmt.Errorf("%s is empty", args[0])
	}
	for line := range bytes.Lines([]byte(text)) {
		var fields struct {
			Time       time.Time
			Level, Msg string
		}
		if err := json.Unmarshal(line, &fields); err != nil {
			return fmt.Errorf("%s: %w: %s", args[0], err, line)
		}
		levels := []string{"DEBUG", "INFO", "WARN", "ERROR"}
		if fields.Time.IsZero() || fields.Msg == "" || !slices.Contains(levels, fields.Level) {
			return fmt.Errorf("%s: no time, level and message: %s", args[0], line)
		}
	}
	return nil
}

func hasMode(ts *testscript.TestScript, args []string) error {
	want, err := strconv.ParseUint(args[0], 8, 32)
	if err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return errors.New("Windows has no such modes: skip the script there")
	}
	for _, name := range args[1:] {
		info, err := os.Stat(ts.MkAbs(name))
		if err != nil {
			return err
		}
		if got := info.Mode().Perm(); got != fs.FileMode(want) {
			return fmt.Errorf("%s has mode %#o, want %#o", name, got, want)
		}
	}
	return nil
}

func truncate(ts *testscript.TestScript, args []string) error {
	size, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return err
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	if err != nil {
		return err
	}
	if info.Size() <= size {
		return fmt.Errorf("%s has only %d bytes", args[1], info.Size())
	}
	return os.Truncate(ts.MkAbs(args[1]), size)
}

func flipByte(ts *testscript.TestScript, args []string) error {
	at, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	content, err := os.ReadFile(ts.MkAbs(args[1]))
	if err != nil {
		return err
	}
	content[at] ^= 1
	return os.WriteFile(ts.MkAbs(args[1]), content, 0o600)
}

func occupy(ts *testscript.TestScript, args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
	return nil
}
