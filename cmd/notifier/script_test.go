package main

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain puts this binary on the PATH as notifier, so that scripts and tests
// run the command as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"notifier": main})
}

// leakless fails a run that leaves goroutines behind.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	// Under the race detector each process would end a second late.
	if os.Getenv("GORACE") == "" {
		os.Setenv("GORACE", "atexit_sleep_ms=10")
	}
	code := l.m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestScripts runs testdata/script. A script starts without any variable of
// ours, whatever the environment of the test has: testscript passes on little
// more than PATH.
//
// Beside the commands of testscript there are:
//
//	exits CODE PROG ARG...      run PROG; it must end with exit code CODE
//	start NAME PROG ARG...      run PROG beside the script, with its output in
//	                            NAME.stdout and NAME.stderr
//	waitlog NAME REGEXP         wait until NAME.stderr matches
//	logged NAME MSG FIELD VAR   wait until MSG is logged, and set VAR to its FIELD
//	signal TERM|INT NAME        send the signal (unix only)
//	ended NAME CODE             wait until NAME has ended; it must be with CODE
//	platform VAR                serve a platform that answers what answer says,
//	                            and set VAR to its URL
//	answer PATH STATUS FILE     from now on, answer PATH of the API with FILE; as
//	                            STATUS, cut is a 200 whose connection breaks, and
//	                            never is no answer at all
//	asked PATH N                wait until PATH was asked for N times since its
//	                            answer was set: N-1 answers were then taken in
//	http CODE URL               get URL once; the answer must have CODE. Its body
//	                            is stdout
//	waithttp CODE URL           the same, but ask until the answer has CODE
//	events N ADDR               wait until the stream at ADDR holds N events; more
//	                            are an error. N+ stands for N or more
//	event SEQ ADDR              print message SEQ of the stream
//	deletemsg SEQ ADDR          delete message SEQ of the stream at ADDR
//	isjson FILE                 FILE must be one JSON value
//	isjsonlog FILE              each line of FILE must be a log line in JSON
//	mode PERM FILE...           the permissions must be PERM (unix only)
//	truncate BYTES FILE         cut FILE to that size
//	flipbyte AT FILE            flip a bit in that byte of FILE
//	occupy VAR                  listen on a free port, and set VAR to host:port
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setUp,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     command("exits CODE PROG ARG...", 2, exits),
			"start":     command("start NAME PROG ARG...", 2, startProcess),
			"waitlog":   command("waitlog NAME REGEXP", 2, waitLog),
			"logged":    command("logged NAME MSG FIELD VAR", 4, logged),
			"signal":    command("signal TERM|INT NAME", 2, sendSignal),
			"ended":     command("ended NAME CODE", 2, ended),
			"platform":  command("platform VAR", 1, startPlatform),
			"answer":    command("answer PATH STATUS FILE", 3, setAnswer),
			"asked":     command("asked PATH N", 2, waitAsked),
			"http":      command("http CODE URL", 2, getOnce),
			"waithttp":  command("waithttp CODE URL", 2, getUntil),
			"events":    command("events N ADDR", 2, waitEvents),
			"event":     command("event SEQ ADDR", 2, printEvent),
			"deletemsg": command("deletemsg SEQ ADDR", 2, deleteMessage),
			"isjson":    command("isjson FILE", 1, isJSON),
			"isjsonlog": command("isjsonlog FILE", 1, isJSONLog),
			"mode":      command("mode PERM FILE...", 2, hasMode),
			"truncate":  command("truncate BYTES FILE", 2, truncate),
			"flipbyte":  command("flipbyte AT FILE", 2, flipByte),
			"occupy":    command("occupy VAR", 1, occupy),
		},
	})
}

// command makes a command of a script: one that takes at least so many
// arguments, and cannot be negated.
func command(usage string, least int, run func(*testscript.TestScript, []string) error) func(
	*testscript.TestScript, bool, []string,
) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < least {
			ts.Fatalf("usage: %s", usage)
		}
		ts.Check(run(ts, args))
	}
}

// scene is what a script has running beside it.
type scene struct {
	tb        testing.TB
	env       []string // of every process, before the script set anything
	processes map[string]*process
	platform  *platform
}

type sceneKey struct{}

func setUp(env *testscript.Env) error {
	tb, ok := env.T().(testing.TB)
	if !ok {
		return fmt.Errorf("%T is not a testing.TB", env.T())
	}
	s := &scene{tb: tb, env: slices.Clone(env.Vars), processes: map[string]*process{}}
	env.Values[sceneKey{}] = s
	// Before the folder of the script is removed, which is before the
	// clean-ups of tb.
	env.Defer(s.end)
	return nil
}

func (s *scene) end() {
	for _, p := range s.processes {
		p.kill()
	}
	if s.platform != nil {
		s.platform.server.Close()
	}
}

func sceneOf(ts *testscript.TestScript) *scene {
	s, ok := ts.Value(sceneKey{}).(*scene)
	if !ok {
		ts.Fatalf("the script was not set up")
	}
	return s
}
