package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/config"
)

const (
	sdkKey = "SYLLABLESDK_API_KEY_HEADER"
	apiKey = "NOTIFIER_SYLLABLE_API_KEY"
)

// setEnv gives the test an environment in which, of all the variables that
// could matter, only those of env are set. A test that uses it cannot be
// parallel: there is one environment to a process.
func setEnv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "NOTIFIER_") || name == sdkKey {
			t.Setenv(name, "") // restores it in the end
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// with returns the environment of a good configuration, changed by env.
func with(env map[string]string) map[string]string {
	all := map[string]string{apiKey: "key"}
	for name, value := range env {
		all[name] = value
	}
	return all
}

// writeFile makes a file and returns its path.
func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load loads what must be good.
func load(t *testing.T, env map[string]string) config.Config {
	t.Helper()
	setEnv(t, env)
	c, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems loads what must be bad and returns what is wrong with it.
func problems(t *testing.T, env map[string]string) []config.Problem {
	t.Helper()
	setEnv(t, env)
	_, err := config.Load()
	return problemsOf(t, err)
}

func problemsOf(t *testing.T, err error) []config.Problem {
	t.Helper()
	bad, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("the error is %v, want a *config.Error", err)
	}
	return bad.Problems
}

func names(problems []config.Problem) []string {
	var names []string
	for _, p := range problems {
		names = append(names, p.Name)
	}
	return names
}

// setting returns one setting of the environment that is set.
func setting(t *testing.T, name string) config.Setting {
	t.Helper()
	for _, s := range config.Settings() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no setting %s", name)
	return config.Setting{}
}
