package simulator

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Faults spoils answers of a handler. What it hits depends on nothing but the
// seed, the faults and how often each path was asked for, so that a run can be
// repeated. It may be changed while it is in use. [FaultHelp] tells how a
// fault is written.
type Faults struct {
	seed uint64

	mu    sync.Mutex
	rules []fault
	next  []nextFault
	asked map[string]uint64 // requests so far, by path
	hits  map[string]int    // answers spoilt, by kind
}

// nextFault spoils the next answers, whatever the rules say.
type nextFault struct {
	fault
	left int
}

// NewFaults returns an error for a fault that cannot be read.
func NewFaults(seed uint64, faults ...string) (*Faults, error) {
	f := &Faults{seed: seed, asked: map[string]uint64{}, hits: map[string]int{}}
	if err := f.Set(faults...); err != nil {
		return nil, err
	}
	return f, nil
}

// Set replaces all faults by these, or changes nothing if it returns an error.
// Of several faults that would hit an answer, the first does.
func (f *Faults) Set(faults ...string) error {
	rules, err := parseFaults(faults)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = rules
	return nil
}

// Next spoils the next n answers of paths that contain path, each with a fault
// that is written KIND[=ARGUMENT]. It comes before what Set says, and after
// what an earlier Next says of the same path.
func (f *Faults) Next(path string, n int, spec string) error {
	one, err := parseFault(spec)
	if err != nil {
		return err
	}
	if one.percent != 100 || one.path != "" {
		return fmt.Errorf("fault %q: the next answers need no share and no path in the fault", spec)
	}
	if n < 1 {
		return errors.New("count: must be 1 or more")
	}
	one.path = path
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, nextFault{one, n})
	return nil
}

// Clear removes all faults, those of Next as well.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.next = nil, nil
}

// Hits counts the answers that were spoilt, by kind of fault.
func (f *Faults) Hits() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.hits)
}

// faultsState is what the admin endpoint shows.
type faultsState struct {
	Faults []string       `json:"faults"`
	Next   []nextState    `json:"next"`
	Hits   map[string]int `json:"hits"`
}

type nextState struct {
	Path  string `json:"path"`
	Fault string `json:"fault"`
	Count int    `json:"count"`
}

func (f *Faults) state() faultsState {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := faultsState{Faults: []string{}, Next: []nextState{}, Hits: maps.Clone(f.hits)}
	for _, r := range f.rules {
		s.Faults = append(s.Faults, r.String())
	}
	for _, n := range f.next {
		path := n.path
		n.path = ""
		s.Next = append(s.Next, nextState{path, n.String(), n.left})
	}
	return s
}

// Wrap returns next with its answers spoilt. A fault that breaks off an answer
// panics with http.ErrAbortHandler, as net/http has it; so the handler needs a
// server.
func (f *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits, random := f.draw(r.URL.EscapedPath(), r.URL.Path)
		if hits == nil {
			next.ServeHTTP(w, r)
			return
		}
		h := &hit{w: w, r: r, argument: hits.argument, random: random}
		next.ServeHTTP(&h.truth, r)
		// Counted first: some kinds do not return.
		f.count(hits.kind.name, +1)
		if !hits.kind.spoil(h) {
			f.count(hits.kind.name, -1)
			h.pass()
		}
	})
}

func (f *Faults) count(kind string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(f.hits, kind, n)
}

// draw returns the fault that hits this request, nil if none does, and the
// generator for what the fault draws.
func (f *Faults) draw(key, path string) (*fault, *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[key]++
	n := f.asked[key]
	for i := range f.next {
		if one := f.next[i].fault; strings.Contains(path, one.path) {
			if f.next[i].left--; f.next[i].left == 0 {
				f.next = append(f.next[:i], f.next[i+1:]...)
			}
			return &one, f.random(key, n, "next "+one.String())
		}
	}
	for _, rule := range f.rules {
		if !strings.Contains(path, rule.path) {
			continue
		}
		random := f.random(key, n, rule.String())
		if random.Float64()*100 < rule.percent {
			return &rule, random
		}
	}
	return nil, nil
}

func (f *Faults) random(key string, n uint64, purpose string) *rand.Rand {
	h := fnv.New64a()
	for _, part := range []string{key, strconv.FormatUint(n, 10), purpose} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(f.seed, h.Sum64()))
}
