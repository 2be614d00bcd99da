package config_test

import (
	"strings"
	"testing"
)

func TestUnknownNames(t *testing.T) {
	tests := []struct{ name, nearest string }{
		{"NOTIFIER_BATCH", "NOTIFIER_BATCHES"},
		{"NOTIFIER_POLLINTERVAL", "NOTIFIER_POLL_INTERVAL"},
		{"NOTIFIER_SLACK_TOKEN_FIL", "NOTIFIER_SLACK_TOKEN_FILE"},
		{"NOTIFIER_NATS_URL_FILE", "NOTIFIER_NATS_URL"}, // no secret of ours
		{"NOTIFIER_NATSURL", "NOTIFIER_NATS_URL"},
		{"NOTIFIER_SLACK_APIURL", "NOTIFIER_SLACK_API_URL"},
		{"NOTIFIER_SYLABLE_APIKEY", "NOTIFIER_SYLLABLE_API_KEY"},
		{"NOTIFIER_WEBHOK_URL", "NOTIFIER_WEBHOOK_URL"},
		{"NOTIFIER_ROUTES_FILE", "NOTIFIER_ROUTES"},
		{"NOTIFIER_HTTP_PORT", "NOTIFIER_HTTP_ADDR"},
		{"NOTIFIER_", ""},
		{"NOTIFIER_" + strings.Repeat("X", 5000), ""},
	}
	for _, tt := range tests {
		for _, value := range []string{"x", ""} { // a typo is one with an empty value, too
			text := wantProblem(t, with(map[string]string{tt.name: value}), tt.name, "nearest known name is "+tt.nearest)
			if !strings.HasSuffix(text, tt.nearest) {
				t.Errorf("%.40s: %s, want %s", tt.name, text, tt.nearest)
			}
		}
	}
	wantProblem(t, with(map[string]string{"NOTIFIER_\x1b[2J\n": "x"}), `"NOTIFIER_\x1b[2J\n"`, "unknown")

	// Not ours.
	load(t, with(map[string]string{"NOTIFIERS": "x", "XNOTIFIER_A": "x", "notifier_a": "x", "NOTIFIER": "x"}))
}

func TestLaterNames(t *testing.T) {
	for _, name := range []string{
		"NOTIFIER_SLACK_MODE", "NOTIFIER_SLACK_WEBHOOK_URL", "NOTIFIER_WEBHOOK_URL", "NOTIFIER_WEBHOOK_SECRET",
		"NOTIFIER_WEBHOOK_EVENTS", "NOTIFIER_WEBHOOK_ALLOW_PRIVATE", "NOTIFIER_ROUTES",
		"NOTIFIER_SLACK_WEBHOOK_URL_FILE", "NOTIFIER_WEBHOOK_SECRET_FILE",
	} {
		text := wantProblem(t, with(map[string]string{name: "x"}), name, "this version does not support it yet")
		if strings.Contains(text, "nearest") {
			t.Errorf("%s: taken for a typo: %s", name, text)
		}
		load(t, with(map[string]string{name: " "})) // unset, as everywhere
	}
}

// TestServiceLinks has what Kubernetes puts into the environment of a pod for
// services named notifier and notifier-nats.
func TestServiceLinks(t *testing.T) {
	for name, value := range map[string]string{
		"NOTIFIER_SERVICE_HOST":              "10.0.0.1",
		"NOTIFIER_SERVICE_PORT":              "8080",
		"NOTIFIER_SERVICE_PORT_HTTP":         "8080",
		"NOTIFIER_PORT":                      "tcp://10.0.0.1:8080",
		"NOTIFIER_PORT_8080_TCP":             "tcp://10.0.0.1:8080",
		"NOTIFIER_PORT_8080_TCP_PROTO":       "tcp",
		"NOTIFIER_PORT_8080_TCP_PORT":        "8080",
		"NOTIFIER_NATS_PORT_4222_TCP_ADDR":   "10.0.0.2",
		"NOTIFIER_NATS_SERVICE_PORT_CLIENTS": "4222",
	} {
		wantProblem(t, with(map[string]string{name: value}), name, "enableServiceLinks: false")
	}
}
