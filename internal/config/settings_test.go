package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/config"
)

func TestSettingNames(t *testing.T) {
	setEnv(t, nil)
	want := strings.Fields(`
		SYLLABLE_URL SYLLABLE_API_KEY BATCHES CAMPAIGNS POLL_INTERVAL DISCOVERY_INTERVAL
		MAX_REQUESTS_PER_SECOND MAX_CONCURRENT_REQUESTS BASELINE DATA_DIR RECORDING
		NATS_URL NATS_LISTEN NATS_MAX_STORE NATS_CREDS NATS_TOKEN NATS_CA NATS_CERT NATS_KEY NATS_STREAM
		NATS_SUBJECT_PREFIX NATS_REPLICAS OUTBOX_KEEP OUTBOX_LIMIT RETENTION SLACK_TOKEN SLACK_CHANNEL
		SLACK_SINCE SLACK_API_URL HTTP_ADDR HTTP_TOKEN LOG_LEVEL LOG_FORMAT`)
	var got []string
	for _, s := range config.Settings() {
		got = append(got, strings.TrimPrefix(s.Name, "NOTIFIER_"))
		if s.Meaning == "" || strings.Contains(s.Meaning, "\n") {
			t.Errorf("%s: the meaning is %q, want one line", s.Name, s.Meaning)
		}
		if s.Set || s.Source != "" {
			t.Errorf("%s is set in an empty environment: %+v", s.Name, s)
		}
		if s.Name != apiKey && s.Value != s.Default {
			t.Errorf("%s is %q, its default %q", s.Name, s.Value, s.Default)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSettings(t *testing.T) {
	setEnv(t, map[string]string{
		"NOTIFIER_POLL_INTERVAL": " 20s ",
		"NOTIFIER_HTTP_ADDR":     ":8080", // lacks a token, but is an address
		"NOTIFIER_HTTP_TOKEN":    " ",
		"NOTIFIER_SYLLABLE_URL":  "https://user:" + canary + "@host",
		"NOTIFIER_SLACK_CHANNEL": "xoxb-" + canary,
		"NOTIFIER_UNKNOWN":       "x",
	})
	tests := map[string]struct {
		value string
		set   bool
	}{
		"NOTIFIER_POLL_INTERVAL":      {"20s", true},
		"NOTIFIER_DISCOVERY_INTERVAL": {"1m", false},
		"NOTIFIER_HTTP_ADDR":          {":8080", true},
		"NOTIFIER_HTTP_TOKEN":         {"", false},
		"NOTIFIER_SYLLABLE_URL":       {"[invalid]", true},
		"NOTIFIER_SYLLABLE_API_KEY":   {"", false},
		"NOTIFIER_SLACK_CHANNEL":      {"[invalid]", true},
	}
	for name, want := range tests {
		if s := setting(t, name); s.Value != want.value || s.Set != want.set || s.Set != (s.Source == name) {
			t.Errorf("%+v, want value %q, set %v", s, want.value, want.set)
		}
	}

	got, err := json.Marshal(setting(t, "NOTIFIER_POLL_INTERVAL"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"NOTIFIER_POLL_INTERVAL","value":"20s","default":"15s",` +
		`"meaning":"target interval of an active batch, adapted and jittered; 100ms at least",` +
		`"set":true,"source":"NOTIFIER_POLL_INTERVAL","secret":false}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
