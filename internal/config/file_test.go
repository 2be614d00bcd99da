package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/config"
)

func TestSecretFiles(t *testing.T) {
	tests := []struct {
		name string
		get  func(config.Config) config.Secret
		also map[string]string
	}{
		{"NOTIFIER_SYLLABLE_API_KEY", func(c config.Config) config.Secret { return c.SyllableAPIKey }, nil},
		{"NOTIFIER_NATS_TOKEN", func(c config.Config) config.Secret { return c.NATSToken }, nil},
		{"NOTIFIER_SLACK_TOKEN", func(c config.Config) config.Secret { return c.SlackToken },
			map[string]string{"NOTIFIER_SLACK_CHANNEL": "#c"}},
		{"NOTIFIER_HTTP_TOKEN", func(c config.Config) config.Secret { return c.HTTPToken }, nil},
	}
	var secrets []string
	for _, s := range config.Settings() {
		if s.Secret {
			secrets = append(secrets, s.Name)
		}
	}
	for i, tt := range tests {
		if i >= len(secrets) || secrets[i] != tt.name {
			t.Fatalf("the secret settings are %v: one has no test", secrets)
		}
		t.Run(tt.name, func(t *testing.T) {
			// The fallback must not be looked at where there is a file.
			env := with(tt.also)
			env[sdkKey] = "fallback"
			delete(env, tt.name)
			if tt.name != apiKey {
				env[apiKey] = "key"
			}

			env[tt.name+"_FILE"] = " " + writeFile(t, "from the file\r\n") + " "
			if got := tt.get(load(t, env)).Reveal(); got != "from the file" {
				t.Errorf("got %q", got)
			}
			if s := setting(t, tt.name); s.Source != tt.name+"_FILE" || s.Value != "[redacted]" || !s.Set {
				t.Errorf("shown as %+v", s)
			}

			env[tt.name] = "direct"
			wantProblem(t, env, tt.name, tt.name+"_FILE")
			env[tt.name] = "two\nlines" // not looked at: which of the two is meant?
			wantProblem(t, env, tt.name, tt.name+"_FILE")
			env[tt.name] = " "
			if got := tt.get(load(t, env)).Reveal(); got != "from the file" {
				t.Errorf("with an empty %s: got %q", tt.name, got)
			}

			for _, bad := range []struct{ path, text string }{
				{writeFile(t, ""), "empty"},
				{writeFile(t, " \n\t"), "empty"},
				{writeFile(t, "two\nlines"), "character"},
				{writeFile(t, strings.Repeat("x", 1<<17)), "larger"},
				{t.TempDir(), "is a directory"},
				{t.TempDir() + "/missing", "no such file"},
				// Who puts the secret itself here must not find it in a log.
				{"xoxb-CANARY", "no such file"},
			} {
				env[tt.name+"_FILE"] = bad.path
				text := wantProblem(t, env, tt.name+"_FILE", bad.text)
				if strings.Contains(text, bad.path) {
					t.Errorf("the problem quotes the path: %s", text)
				}
			}
		})
	}
}

func TestKeyFallback(t *testing.T) {
	if c := load(t, map[string]string{sdkKey: " sdk key\n"}); c.SyllableAPIKey.Reveal() != "sdk key" {
		t.Errorf("alone: got %q", c.SyllableAPIKey.Reveal())
	}
	if s := setting(t, apiKey); s.Source != sdkKey || s.Value != "[redacted]" || s.Default != "value of "+sdkKey {
		t.Errorf("shown as %+v", s)
	}
	if c := load(t, map[string]string{sdkKey: "sdk key", apiKey: "own key"}); c.SyllableAPIKey.Reveal() != "own key" {
		t.Errorf("beside our own: got %q", c.SyllableAPIKey.Reveal())
	}
	if s := setting(t, apiKey); s.Source != apiKey {
		t.Errorf("shown as %+v", s)
	}
	wantProblem(t, map[string]string{sdkKey: "two\nlines"}, sdkKey, "line break")
	wantProblem(t, map[string]string{sdkKey: " "}, apiKey, sdkKey)
}

// wantProblem loads env, which must have one problem, of the variable name,
// with the text given in it.
func wantProblem(t *testing.T, env map[string]string, name, text string) string {
	t.Helper()
	got := problems(t, env)
	if diff := cmp.Diff([]string{name}, names(got)); diff != "" {
		t.Fatalf("problems (-want +got):\n%s%v", diff, got)
	}
	if !strings.Contains(got[0].Text, text) {
		t.Errorf("problem %q does not speak of %q", got[0], text)
	}
	return got[0].Text
}
