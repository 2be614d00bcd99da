package arch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// goFile returns the source of a package with a fair doc and these imports.
func goFile(imports ...string) string {
	var b strings.Builder
	b.WriteString("// Package p does a thing. It does\n// not do another.\npackage p\n")
	for _, i := range imports {
		fmt.Fprintf(&b, "\nimport _ %q\n", i)
	}
	return b.String()
}

// checkTree checks a module of these files.
func checkTree(t *testing.T, sources map[string]string) []string {
	t.Helper()
	tree := fstest.MapFS{"go.mod": {Data: []byte("module " + modulePath + "\n")}}
	for name, src := range sources {
		tree[name] = &fstest.MapFile{Data: []byte(src)}
	}
	pkgs, err := load(tree)
	if err != nil {
		t.Fatal(err)
	}
	return check(pkgs)
}

func TestCheckReports(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, source string
		want               string
	}{
		{"package missing from the table", "internal/gossip/a.go", goFile(), "unknown package: add a row"},
		{"package at the root", "a.go", goFile(), "unknown package: add a row"},
		{"arrow that is not in the table", "internal/fetch/a.go", goFile(modulePath + "/internal/store"), "does not let"},
		{"arrow to a package below an allowed one", "internal/publish/slack/a.go",
			goFile(modulePath + "/internal/publish/slack/slackfake"), "does not let"},
		{"package that may import nothing of ours", "internal/config/a.go", goFile(modulePath + "/event"), "does not let"},
		{"app imports demo", "internal/app/a.go", goFile(modulePath + "/internal/demo"), "does not let"},
		{"app imports a command", "internal/app/a.go", goFile(modulePath + "/cmd/notifier"), "does not let"},
		{"event imports another module", "event/a.go", goFile("github.com/google/go-cmp/cmp"), "does not let"},
		{"event imports ours", "event/a.go", goFile(modulePath + "/internal/diff"), "does not let"},
		{"event uses cgo", "event/a.go", goFile("C"), "does not let"},
		{"nats-server", "internal/app/a.go", goFile("github.com/nats-io/nats-server/v2/server"), "only internal/natsd may"},
		{"bbolt", "cmd/notifier/a.go", goFile("go.etcd.io/bbolt"), "only internal/store may"},
		{"Slack's library in the fake", "internal/publish/slack/slackfake/a.go",
			goFile("github.com/slack-go/slack"), "only internal/publish/slack may"},
		{"envconfig", "internal/app/a.go", goFile("github.com/kelseyhightower/envconfig"), "only internal/config may"},
		{"no doc", "internal/natsd/a.go", "package natsd\n", "no package doc"},
		{"doc cut off from the clause", "internal/natsd/a.go",
			"// Package natsd does not do much.\n\npackage natsd\n", "no package doc"},
		{"doc without a boundary", "internal/natsd/a.go",
			"// Package natsd runs a server.\npackage natsd\n", "must say what the package does not do"},
		{"long file", "internal/natsd/a.go", goFile() + strings.Repeat("\n", maxLines), "at most 400"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			broken := checkTree(t, map[string]string{tt.path: tt.source})
			if len(broken) != 1 || !strings.Contains(broken[0], tt.want) {
				t.Errorf("got %q, want one line with %q", broken, tt.want)
			}
		})
	}
}

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	broken := checkTree(t, map[string]string{
		"cmd/notifier/a.go":           goFile(modulePath+"/internal/app", "github.com/spf13/cobra"),
		"event/a.go":                  goFile("encoding/json", "net/http"),
		"event/a_test.go":             goFile("github.com/google/go-cmp/cmp"),
		"internal/app/a.go":           goFile(modulePath+"/internal/store", modulePath+"/internal/publish/slack"),
		"internal/config/a.go":        goFile("github.com/kelseyhightower/envconfig"),
		"internal/natsd/a.go":         goFile("github.com/nats-io/nats-server/v2/server"),
		"internal/natsd/b.go":         "package p\n" + strings.Repeat("\n", maxLines-1),
		"internal/natsd/long_test.go": "package p\n" + strings.Repeat("\n", 2*maxLines),
		"internal/publish/slack/a.go": goFile("github.com/slack-go/slack/slackevents", modulePath+"/internal/publish"),
		"internal/store/a.go":         goFile("go.etcd.io/bbolt", modulePath+"/internal/diff"),
		// A library whose path only begins like one with an owner.
		"internal/simulator/a.go": goFile("github.com/slack-go/slacker"),
		// What the go command passes over is passed over.
		"internal/diff/testdata/a.go": "not Go",
		"internal/_old/a.go":          "not Go",
		"tools/go.mod":                "module tools\n",
		"tools/a.go":                  "package tools\n",
	})
	if len(broken) != 0 {
		t.Errorf("got %q, want nothing", broken)
	}
}

// An unreadable source must not count as one without imports.
func TestLoadRefusesWhatIsNotGo(t *testing.T) {
	t.Parallel()
	if _, err := load(fstest.MapFS{"event/a.go": {Data: []byte("not Go")}}); err == nil {
		t.Error("got no error")
	}
}

// A row with a misspelt package would allow nothing and say nothing.
func TestTableNamesItsOwnPackages(t *testing.T) {
	t.Parallel()
	for from, r := range allowed {
		for _, to := range slices.Concat(r.imports, r.anyExcept) {
			if _, ok := allowed[to]; !ok && to != "cmd" {
				t.Errorf("%s may import %s, which has no row of its own", from, to)
			}
		}
	}
	for library, owner := range owners {
		if _, ok := allowed[owner]; !ok {
			t.Errorf("%s belongs to %s, which has no row in the table", library, owner)
		}
	}
}
