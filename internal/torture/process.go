package torture

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Process is `notifier run`, from its start to its end.
type Process struct {
	cmd     *exec.Cmd
	journal *Journal
	running chan Addresses
	done    chan struct{} // closed once it has ended and its log was read
}

// Addresses are where a process that is running listens, empty where it does not.
type Addresses struct{ NATS, HTTP string }

// Journal is what all processes of a world have logged, as far as it matters. It
// is safe for concurrent use.
type Journal struct {
	mu       sync.Mutex
	told     map[string]uint64 // by batch, events of its calls that were committed
	problems []string
}

// Told returns how many events of its calls the log says were committed, by batch.
func (j *Journal) Told() map[string]uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := make(map[string]uint64, len(j.told))
	for batch, n := range j.told {
		all[batch] = n
	}
	return all
}

// Problems returns what must never be logged in a run without faults of the
// platform, and how processes ended that should not have.
// Problem adds one.
func (j *Journal) Problems() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.problems...)
}

// Problem adds one.
func (j *Journal) Problem(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.problems = append(j.problems, fmt.Sprintf(format, args...))
}

// start starts a process with no other environment than env.
func start(ctx context.Context, bin string, env []string, j *Journal) (*Process, error) {
	p := &Process{journal: j, running: make(chan Addresses, 1), done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, bin, "run")
	p.cmd.Env = env
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		p.read(stderr)
		_ = p.cmd.Wait() // how it ended is in ProcessState
	}()
	return p, nil
}

// read takes in the log. A line that is none in JSON is a panic, or a message of
// a process that did not get as far as to log.
func (p *Process) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		var line struct {
			Level, Msg, Error, NATS, HTTP, Batch string
			Events                               uint64
		}
		switch err := json.Unmarshal(lines.Bytes(), &line); {
		case err != nil:
			p.journal.Problem("the daemon writes: %s", lines.Text())
		case line.Level == "ERROR":
			p.journal.Problem("the daemon reports %q: %s", line.Msg, line.Error)
		case line.Msg == "running":
			p.running <- Addresses{line.NATS, line.HTTP}
		case line.Msg == "calls changed":
			p.journal.mu.Lock()
			p.journal.told[line.Batch] += line.Events
			p.journal.mu.Unlock()
		}
	}
}

// Pid returns the id of the process.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends a signal. To a process that has ended that is no error.
func (p *Process) Signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill ends the process as kill -9 does, and returns when it has ended.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// EndsWithin says whether the process ends by itself within a time.
func (p *Process) EndsWithin(t time.Duration) bool {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

// Running returns where the process listens, once it is running.
func (p *Process) Running(ctx context.Context) (Addresses, error) {
	select {
	case a := <-p.running:
		return a, nil
	case <-p.done:
		return Addresses{}, fmt.Errorf("the daemon has ended instead of running: %s", p.cmd.ProcessState)
	case <-ctx.Done():
		return Addresses{}, ctx.Err()
	}
}

// killed says whether SIGKILL ended the process. That it ended in another way is
// a problem, but for a stop that was asked for.
func (p *Process) killed() bool {
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	if p.cmd.ProcessState.ExitCode() != 0 {
		p.journal.Problem("the daemon ended by itself: %s", p.cmd.ProcessState)
	}
	return false
}
