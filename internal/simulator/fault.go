package simulator

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// fault is one way to spoil answers, and which of them.
type fault struct {
	kind     *faultKind
	argument string  // empty: the kind's default
	percent  float64 // of the answers, above 0, up to 100
	path     string  // part of the paths that are hit; empty: all
}

// faultKind is what a fault does to an answer.
type faultKind struct {
	name string
	// argument says which arguments there are, as shown by help; empty: none.
	argument string
	help     string
	check    func(argument string) error // of an argument that is not empty
	// spoil writes the answer and returns true, or returns false where there
	// is nothing to spoil about it, having written nothing.
	spoil func(*hit) bool
}

var shareForm = regexp.MustCompile(`^(.*):([0-9.]+)%$`)

// parseFault reads KIND[=ARGUMENT][:SHARE%][@PATHPART].
func parseFault(spec string) (fault, error) {
	rest, path, hasPath := strings.Cut(spec, "@")
	f := fault{percent: 100, path: path}
	if hasPath && path == "" {
		return f, fmt.Errorf("fault %q: a part of a path must follow the @", spec)
	}
	if m := shareForm.FindStringSubmatch(rest); m != nil {
		var err error
		rest = m[1]
		if f.percent, err = strconv.ParseFloat(m[2], 64); err != nil || !(f.percent > 0 && f.percent <= 100) {
			return f, fmt.Errorf("fault %q: want a share above 0%% and up to 100%%", spec)
		}
	}
	name, argument, hasArgument := strings.Cut(rest, "=")
	for _, k := range faultKinds() {
		if k.name == name {
			f.kind = &k
		}
	}
	switch {
	case f.kind == nil:
		return f, fmt.Errorf("fault %q: there is no such kind; there are %s", spec, strings.Join(kindNames(), ", "))
	case hasArgument && f.kind.argument == "":
		return f, fmt.Errorf("fault %q: %s takes no argument", spec, name)
	case hasArgument && argument == "":
		return f, fmt.Errorf("fault %q: want %s after the =", spec, f.kind.argument)
	case hasArgument:
		if err := f.kind.check(argument); err != nil {
			return f, fmt.Errorf("fault %q: want %s after the =: %w", spec, f.kind.argument, err)
		}
		f.argument = argument
	}
	return f, nil
}

func parseFaults(specs []string) ([]fault, error) {
	all := make([]fault, 0, len(specs))
	for _, spec := range specs {
		f, err := parseFault(spec)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// String writes what parseFault reads.
func (f fault) String() string {
	var b strings.Builder
	b.WriteString(f.kind.name)
	if f.argument != "" {
		b.WriteString("=" + f.argument)
	}
	if f.percent != 100 {
		b.WriteString(":" + strconv.FormatFloat(f.percent, 'f', -1, 64) + "%")
	}
	if f.path != "" {
		b.WriteString("@" + f.path)
	}
	return b.String()
}

func kindNames() []string {
	var names []string
	for _, k := range faultKinds() {
		names = append(names, k.name)
	}
	return names
}

// FaultHelp describes how a fault is written, and each kind in a line.
func FaultHelp() string {
	var b strings.Builder
	b.WriteString(`A fault is written KIND[=ARGUMENT][:SHARE%][@PATHPART]: which kind, what share of
the answers it hits (default all), and a part of the paths it is limited to.
Faults change answers, never what happens: each request is carried out first.
`)
	for _, k := range faultKinds() {
		fmt.Fprintf(&b, "\n  %-15s %s", k.name, k.help)
		if k.argument != "" {
			fmt.Fprintf(&b, "; =%s", k.argument)
		}
	}
	return b.String()
}
