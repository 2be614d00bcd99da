package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/syllable-notifier/notifier/internal/config"
)

// patience bounds every wait of a script. It is only spent where a test fails.
const patience = time.Minute

func exits(ts *testscript.TestScript, args []string) error {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			return err
		}
		got = exit.ExitCode()
	}
	if got != want {
		return fmt.Errorf("exit code %d, want %d", got, want)
	}
	return nil
}

// process is a command that runs beside the script.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *logFile
	done chan struct{} // closed when it has ended and all its output is written
}

func startProcess(ts *testscript.TestScript, args []string) error {
	s, name := sceneOf(ts), args[0]
	if old := s.processes[name]; old != nil {
		select {
		case <-old.done:
		default:
			return fmt.Errorf("%s runs already", name)
		}
	}
	stdout, err := os.Create(ts.MkAbs(name + ".stdout"))
	if err != nil {
		return err
	}
	defer stdout.Close() // the process has its own by then
	stderr, err := os.Create(ts.MkAbs(name + ".stderr"))
	if err != nil {
		return err
	}
	p := &process{
		name: name,
		cmd:  exec.Command(args[1], args[2:]...),
		log:  &logFile{file: stderr, grown: make(chan struct{})},
		done: make(chan struct{}),
	}
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = s.environment(ts)
	p.cmd.Stdout, p.cmd.Stderr = stdout, p.log
	if err := p.cmd.Start(); err != nil {
		stderr.Close()
		return err
	}
	s.processes[name] = p
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the exit code tells it
		stderr.Close()
	}()
	return nil
}

// environment returns the variables of the script: those that it began with,
// and the settings that it has set since.
func (s *scene) environment(ts *testscript.TestScript) []string {
	env := s.env
	for _, setting := range config.Settings() {
		if v := ts.Getenv(setting.Name); v != "" {
			env = append(env[:len(env):len(env)], setting.Name+"="+v)
		}
	}
	return env
}

// kill ends the process, if it still runs, and waits until it has ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// await waits until the log is as match wants it.
func (p *process) await(what string, match func(log []byte) bool) error {
	timeout := time.After(patience)
	for ended := false; ; {
		log, grown := p.log.now()
		if match(log) {
			return nil
		}
		if ended {
			return fmt.Errorf("%s ended with %d before it logged %s:\n%s", p.name, p.exitCode(), what, log)
		}
		select {
		case <-grown:
		case <-p.done:
			ended = true
		case <-timeout:
			return fmt.Errorf("%s has not logged %s after %s:\n%s", p.name, what, patience, log)
		}
	}
}

func (p *process) exitCode() int { return p.cmd.ProcessState.ExitCode() }

// logFile is a log that can be waited for while it is written.
type logFile struct {
	file *os.File

	mu    sync.Mutex
	all   []byte
	grown chan struct{} // closed by the next write
}

func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The file comes first: who waits for a line may read it there.
	n, err := l.file.Write(b)
	l.all = append(l.all, b[:n]...)
	close(l.grown)
	l.grown = make(chan struct{})
	return n, err
}

func (l *logFile) now() ([]byte, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[:len(l.all):len(l.all)], l.grown
}

func processOf(ts *testscript.TestScript, name string) (*process, error) {
	p := sceneOf(ts).processes[name]
	if p == nil {
		return nil, fmt.Errorf("%s was not started", name)
	}
	return p, nil
}

func waitLog(ts *testscript.TestScript, args []string) error {
	p, err := processOf(ts, args[0])
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		return err
	}
	return p.await(strconv.Quote(args[1]), pattern.Match)
}

func logged(ts *testscript.TestScript, args []string) error {
	p, err := processOf(ts, args[0])
	if err != nil {
		return err
	}
	msg, field, variable := args[1], args[2], args[3]
	return p.await(strconv.Quote(msg)+" with "+field, func(log []byte) bool {
		for line := range bytes.Lines(log) {
			var fields map[string]any
			if err := json.Unmarshal(line, &fields); err != nil || fields["msg"] != msg {
				continue
			}
			value, ok := fields[field].(string)
			if ok && value != "" {
				ts.Setenv(variable, value)
			}
			return ok && value != ""
		}
		return false
	})
}

func sendSignal(ts *testscript.TestScript, args []string) error {
	p, err := processOf(ts, args[1])
	if err != nil {
		return err
	}
	switch args[0] {
	case "TERM":
		return p.cmd.Process.Signal(syscall.SIGTERM)
	case "INT":
		return p.cmd.Process.Signal(os.Interrupt)
	}
	return fmt.Errorf("unknown signal %s", args[0])
}

func ended(ts *testscript.TestScript, args []string) error {
	p, err := processOf(ts, args[0])
	if err != nil {
		return err
	}
	want, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		return fmt.Errorf("%s has not ended after %s", p.name, patience)
	}
	if got := p.exitCode(); got != want {
		return fmt.Errorf("%s ended with exit code %d, want %d; its log:\n%s", p.name, got, want,
			ts.ReadFile(p.name+".stderr"))
	}
	return nil
}
