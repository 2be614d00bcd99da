package config

import "strings"

// Problem is one mistake in the environment.
type Problem struct {
	// Name is the variable, such as NOTIFIER_POLL_INTERVAL.
	Name string `json:"name"`
	// Text says what is wrong and what to do. It never quotes the value.
	Text string `json:"problem"`
}

// String returns "name: text".
func (p Problem) String() string { return p.Name + ": " + p.Text }

// Error is a configuration that cannot be used.
type Error struct {
	// Problems are all there are, at least one, in the order of [Settings].
	Problems []Problem
}

// Error returns one problem a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}
