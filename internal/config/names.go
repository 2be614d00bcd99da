package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
)

// strays returns a problem for each variable of ours that is no setting, in
// the order of their names. envconfig.CheckDisallowed would stop at the first.
// An empty one counts: nobody writes a name down to leave it wrong.
func strays(environ []string, vars []*variable) []Problem {
	known := knownNames(vars)
	environ = slices.Clone(environ)
	slices.Sort(environ)
	var problems []Problem
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix+"_") || slices.Contains(known, name) {
			continue
		}
		if text := explainStray(name, strings.TrimSpace(value), known); text != "" {
			problems = append(problems, Problem{Name: printable(name), Text: text})
		}
	}
	return slices.Compact(problems)
}

func knownNames(vars []*variable) []string {
	var known []string
	for _, v := range vars {
		known = append(known, v.name)
		if v.secret {
			known = append(known, v.name+fileSuffix)
		}
	}
	return known
}

// explainStray says what is wrong with a name that is no setting; nothing, if
// it is one of a later release and empty.
func explainStray(name, value string, known []string) string {
	switch {
	case slices.Contains(later, name):
		if value == "" {
			return ""
		}
		return "this version does not support it yet; unset it"
	case madeByKubernetes(name, value):
		return "Kubernetes sets this for a service whose name begins with notifier; " +
			"set enableServiceLinks: false in the pod's spec"
	}
	return "unknown; the nearest known name is " + nearest(name, slices.Concat(known, later))
}

// serviceLink matches the variables by which Kubernetes tells every pod about
// the services of its namespace. A service named notifier is likely enough.
var serviceLink = regexp.MustCompile(
	`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

// serviceURL is the value of the one such variable whose name is common.
var serviceURL = regexp.MustCompile(`^(tcp|udp|sctp)://`)

func madeByKubernetes(name, value string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && serviceURL.MatchString(value)
}

func nearest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
}

// printable returns a name that can go to a terminal.
func printable(name string) string {
	if quoted := strconv.QuoteToASCII(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
