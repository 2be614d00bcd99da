package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/config"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

// docsTable begins the part of docs/configuration.md that is made of Settings.
const docsTable = "| variable | default | meaning |\n| --- | --- | --- |\n"

// TestDocs keeps the table of docs/configuration.md true; -update writes it.
func TestDocs(t *testing.T) {
	setEnv(t, nil)
	const path = "../../docs/configuration.md"
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, found := strings.Cut(string(have), docsTable)
	if !found {
		t.Fatalf("docs/configuration.md has no table that begins with:\n%s", docsTable)
	}
	var b strings.Builder
	b.WriteString(head + docsTable)
	for _, s := range config.Settings() {
		name, standard := "`"+s.Name+"`", s.Default
		if s.Secret {
			name += " (secret)"
		}
		if standard != "" && !strings.Contains(standard, " ") {
			standard = "`" + standard + "`"
		}
		b.WriteString("| " + name + " | " + standard + " | " + s.Meaning + " |\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(have), b.String()); d != "" {
		t.Errorf("docs/configuration.md is not true any more; go test ./internal/config -run Docs -update "+
			"writes it anew (-have +want):\n%s", d)
	}
}
