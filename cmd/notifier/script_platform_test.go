package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// apiPath is where the platform's API begins.
const apiPath = "/api/v1/outbound/"

// platform answers what the script says, right or wrong.
type platform struct {
	server *httptest.Server

	mu      sync.Mutex
	answers map[string]*answer
	asked   chan struct{} // closed by the next request
}

// answer is what a path is answered with.
type answer struct {
	status int
	body   []byte
	cut    bool // the connection breaks after half of the body
	never  bool // nothing comes at all, until the client gives up
	times  int  // it was asked for
}

func startPlatform(ts *testscript.TestScript, args []string) error {
	s := sceneOf(ts)
	if s.platform != nil {
		return fmt.Errorf("there is a platform already")
	}
	p := &platform{answers: map[string]*answer{}, asked: make(chan struct{})}
	p.server = httptest.NewServer(http.HandlerFunc(p.serve))
	s.platform = p
	ts.Setenv(args[0], p.server.URL)
	return nil
}

func setAnswer(ts *testscript.TestScript, args []string) error {
	p := sceneOf(ts).platform
	if p == nil {
		return fmt.Errorf("there is no platform")
	}
	a := &answer{status: http.StatusOK, cut: args[1] == "cut", never: args[1] == "never"}
	if !a.cut && !a.never {
		status, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		a.status = status
	}
	body, err := os.ReadFile(ts.MkAbs(args[2]))
	if err != nil {
		return err
	}
	a.body = body
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[args[0]] = a
	return nil
}

// take returns the answer for a path, nil if the script gave none.
func (p *platform) take(path string) *answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.answers[path]
	if a != nil {
		a.times++
	}
	close(p.asked)
	p.asked = make(chan struct{})
	return a
}

func (p *platform) serve(w http.ResponseWriter, r *http.Request) {
	a := p.take(strings.TrimPrefix(r.URL.Path, apiPath))
	if a == nil {
		http.NotFound(w, r)
		return
	}
	if a.never {
		<-r.Context().Done()
		return
	}
	if a.cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		_, _ = w.Write(a.body[:len(a.body)/2])
		_ = http.NewResponseController(w).Flush() // the half must be on its way
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func waitAsked(ts *testscript.TestScript, args []string) error {
	p := sceneOf(ts).platform
	if p == nil {
		return fmt.Errorf("there is no platform")
	}
	want, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		a, asked := p.answers[args[0]], p.asked
		enough := a != nil && a.times >= want
		p.mu.Unlock()
		if a == nil {
			return fmt.Errorf("%s has no answer", args[0])
		}
		if enough {
			return nil
		}
		select {
		case <-asked:
		case <-timeout:
			return fmt.Errorf("%s was not asked for %d times within %s", args[0], want, patience)
		}
	}
}
