package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/config"
)

const canary = "CANARY"

func TestSecret(t *testing.T) {
	t.Parallel()
	s := config.Secret(canary)
	if s.Reveal() != canary {
		t.Errorf("Reveal is %q", s.Reveal())
	}
	for _, verb := range []string{"%v", "%+v", "%s", "%d", "%x", "%X", "%t", "%20s", "%c"} {
		if got := fmt.Sprintf(verb, s); got != "[redacted]" {
			t.Errorf("%s gives %q", verb, got)
		}
	}
	for _, verb := range []string{"%q", "%#v"} {
		if got := fmt.Sprintf(verb, s); got != `"[redacted]"` {
			t.Errorf("%s gives %q", verb, got)
		}
	}
	if got := s.LogValue().String(); got != "[redacted]" {
		t.Errorf("LogValue gives %q", got)
	}
	// Unset must show as unset.
	if got := fmt.Sprintf("%v %#v", config.Secret(""), config.Secret("")); got != ` ""` {
		t.Errorf("an empty one gives %q", got)
	}
}

func TestNATSURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[config.NATSURL]string{
		"":                                  "",
		"nats://host:4222":                  "nats://host:4222",
		"nats://u:CANARY@host:4222":         "nats://[redacted]@host:4222",
		"nats://CANARY@a,tls://b/":          "nats://[redacted]@a,tls://b",
		"nats://u:1,CANARY@host":            "[redacted]",
		"nats://u:12/CANARY@host":           "[redacted]",
		"nats://u:12#CANARY@host":           "[redacted]",
		"nats://host?auth_token=CANARY":     "[redacted]",
		"nats:u:CANARY@host":                "[redacted]",
		"u:CANARY@host:4222":                "[redacted]",
		"CANARY":                            "[redacted]",
		"nats://u:CANARY%zz@host":           "[redacted]",
		"nats://a,https://u:CANARY@b":       "[redacted]",
		"wss://u:CANARY@[::1]:443,wss://b:": "[redacted]", // a port that is not there
	} {
		if in.Reveal() != string(in) {
			t.Errorf("%s: Reveal is %q", want, in.Reveal())
		}
		text, err := in.MarshalText()
		if err != nil {
			t.Error(err)
		}
		got := []string{in.String(), fmt.Sprintf("%v", in), fmt.Sprintf("%d", in), in.LogValue().String(), string(text)}
		if diff := cmp.Diff([]string{want, want, want, want, want}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", string(in), diff)
		}
		if got := fmt.Sprintf("%#v", in); got != fmt.Sprintf("%q", want) {
			t.Errorf("%q: %%#v gives %s", string(in), got)
		}
	}
}

// TestNoSecretShows loads a configuration in which every secret is a canary,
// and looks for it wherever a configuration can be printed.
func TestNoSecretShows(t *testing.T) {
	env := map[string]string{
		"NOTIFIER_NATS_URL":      "nats://a,nats://user:" + canary + "@b",
		"NOTIFIER_SLACK_CHANNEL": "#c",
	}
	for _, s := range config.Settings() {
		if s.Secret && s.Name != "NOTIFIER_NATS_TOKEN" { // which excludes a user in the URL
			env[s.Name] = canary
		}
	}
	c := load(t, env)
	if c.SyllableAPIKey.Reveal() != canary || c.SlackToken.Reveal() != canary || c.HTTPToken.Reveal() != canary ||
		!strings.Contains(c.NATSURL.Reveal(), canary) {
		t.Fatal("a canary was not loaded: the test would prove nothing")
	}
	c.NATSToken = canary
	noCanary(t, c)
	noCanary(t, &c)
	noCanary(t, config.Settings())
	noCanary(t, map[string]any{"key": c.SyllableAPIKey, "urls": []config.NATSURL{c.NATSURL}})
	if got := setting(t, "NOTIFIER_NATS_URL").Value; got != "nats://a,nats://[redacted]@b" {
		t.Errorf("NOTIFIER_NATS_URL is shown as %s", got)
	}
}

// noCanary prints x in every way there is.
func noCanary(t *testing.T, x any) {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
		fmt.Fprintf(&out, verb+"\n", x)
	}
	encoded, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "x", x)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "x", x)
	printed := strings.ToUpper(out.String())
	for _, form := range []string{canary, fmt.Sprintf("%X", canary)} {
		if strings.Contains(printed, form) {
			t.Errorf("a secret shows:\n%s", out.String())
		}
	}
	if !strings.Contains(printed, "REDACTED") {
		t.Errorf("nothing was redacted:\n%s", out.String())
	}
}
