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

const docsHead = `# Configuration

All settings are environment variables. ` + "`notifier config`" + ` lists them with the values that are in force, and every problem at once.

- An empty variable counts as not set.
- A secret may be given as a file instead: put its path into the variable with ` + "`_FILE`" + ` behind its name. Both is an error.
- A variable that begins with ` + "`NOTIFIER_`" + ` and is not listed here is an error, so that a typing mistake does not go unnoticed. In Kubernetes, a Service named ` + "`notifier`" + ` makes such variables in every pod of its namespace: set ` + "`enableServiceLinks: false`" + `.
- Durations are written like ` + "`15s`, `5m`, `168h`" + `.
- An address that is not loopback needs the token beside it: ` + "`NOTIFIER_NATS_LISTEN` needs `NOTIFIER_NATS_TOKEN`, `NOTIFIER_HTTP_ADDR` needs `NOTIFIER_HTTP_TOKEN`" + `. The health paths answer without it, but give no reasons then.

| variable | default | meaning |
| --- | --- | --- |
`

// TestDocs keeps docs/configuration.md true; -update writes it.
func TestDocs(t *testing.T) {
	setEnv(t, nil)
	var b strings.Builder
	b.WriteString(docsHead)
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
	const path = "../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), b.String()); d != "" {
		t.Errorf("docs/configuration.md is not true any more; go test ./internal/config -run Docs -update "+
			"writes it anew (-have +want):\n%s", d)
	}
}
