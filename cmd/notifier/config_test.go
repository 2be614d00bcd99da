package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/config"
)

// TestConfigListsEverySetting looks for each setting that the program reads,
// where the script of this command knows those that were promised.
func TestConfigListsEverySetting(t *testing.T) {
	t.Parallel()
	table := outputOf(t, "config")
	data := outputOf(t, "config", "--json")
	settings := config.Settings()
	if len(settings) == 0 {
		t.Fatal("there are no settings")
	}
	for _, s := range settings {
		if !strings.Contains(table, "│ "+s.Name+" ") {
			t.Errorf("the table does not list %s", s.Name)
		}
		if !strings.Contains(data, `"name": "`+s.Name+`"`) {
			t.Errorf("the JSON does not list %s", s.Name)
		}
		if s.Meaning == "" {
			t.Errorf("%s has no meaning", s.Name)
		}
	}
}

// outputOf runs the command without any setting, and returns its stdout.
func outputOf(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "notifier", args...)
	cmd.Env = withoutSettings(os.Environ())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
