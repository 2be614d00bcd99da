package arch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/syllable-notifier/notifier"

// maxLines is the longest that a file without tests may be.
const maxLines = 400

// boundaryWords are the words of which a package doc must use one: a doc that
// uses none of them tells what the package does, but not where it ends.
var boundaryWords = []string{"does not", "do not", "never", "nothing"}

// allowed says which of our packages each package may import. A new package
// gets a row here; an arrow that is missing is a decision, not an oversight.
var allowed = map[string]rule{
	"cmd/notifier": {anyExcept: []string{}},
	"event":        {standardOnly: true},

	"internal/app":  {anyExcept: []string{"cmd", "internal/demo"}},
	"internal/arch": {},
	"internal/audit": {imports: []string{
		"event",
	}},
	"internal/config":     {},
	"internal/crashpoint": {},
	"internal/demo": {imports: []string{
		"event",
		"internal/app",
		"internal/audit",
		"internal/config",
		"internal/ops",
		"internal/publish/slack/slackfake",
		"internal/rehearsal",
		"internal/simulator",
	}},
	"internal/dst": {},
	"internal/diff": {imports: []string{
		"event",
	}},
	"internal/fetch": {imports: []string{
		"internal/crashpoint",
		"internal/syllable",
	}},
	"internal/ingest": {imports: []string{
		"event",
		"internal/crashpoint",
		"internal/diff",
		"internal/fetch",
		"internal/store",
		"internal/syllable",
	}},
	"internal/natsd": {},
	"internal/ops":   {},
	"internal/publish": {imports: []string{
		"event",
		"internal/crashpoint",
	}},
	"internal/publish/slack": {imports: []string{
		"event",
		"internal/publish",
	}},
	"internal/publish/slack/slackfake": {},
	"internal/recording":               {},
	"internal/rehearsal": {imports: []string{
		"event",
		"internal/audit",
		"internal/simulator",
	}},
	"internal/simulator": {},
	"internal/store": {imports: []string{
		"event",
		"internal/crashpoint",
		"internal/diff",
	}},
	"internal/syllable": {},
	"internal/torture": {imports: []string{
		"event",
		"internal/audit",
		"internal/crashpoint",
		"internal/natsd",
		"internal/publish/slack/slackfake",
		"internal/rehearsal",
		"internal/simulator",
		"internal/store",
	}},
	"internal/verify": {imports: []string{
		"event",
		"internal/audit",
		"internal/store",
	}},
}

// owners names the one package of ours that may import each library: the rest
// of the program must not depend on what the owner hides.
var owners = map[string]string{
	"github.com/nats-io/nats-server":       "internal/natsd",
	"go.etcd.io/bbolt":                     "internal/store",
	"github.com/slack-go/slack":            "internal/publish/slack",
	"github.com/kelseyhightower/envconfig": "internal/config",
}

func TestArchitecture(t *testing.T) {
	t.Parallel()
	pkgs, err := load(os.DirFS(moduleRoot(t)))
	if err != nil {
		t.Fatal(err)
	}
	// An empty tree keeps every rule: make sure that this is the right one.
	if !slices.ContainsFunc(pkgs, func(p pkg) bool { return p.path == "internal/arch" }) {
		t.Fatal("the package of this test was not found among the sources")
	}
	for _, v := range check(pkgs) {
		t.Error(v)
	}
}

// moduleRoot walks up from the test's working directory, which is the folder
// of its package, to the go.mod of our module.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && slices.Contains(strings.Split(string(mod), "\n"), "module "+modulePath) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatalf("no go.mod of %s above the working directory", modulePath)
		}
		dir = parent
	}
}
