package event_test

import (
	"testing"

	"github.com/syllable-notifier/notifier/event"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                      "",
		"ref-000001":            "ref-000001",
		"20260822":              "xxxxxx22",
		"+15125550134":          "+xxxxxxxxx34",
		"512-555-0134":          "xxx-xxx-xx34",
		"(512) 555-0134 or 911": "(xxx) xxx-xx34 or 911",
		"a 5125550134 b":        "a xxxxxxxx34 b",
		"123456":                "123456",
		"é5125550134é":          "éxxxxxxxx34é",
	} {
		if got := event.Redact(s); got != want {
			t.Errorf("Redact(%q) = %q, want %q", s, got, want)
		}
	}
	id := event.ID{Store: "s1", Batch: "20260822.9", Reference: "+15125550134", Revision: 3}
	if got, want := id.Redacted(), "s1.20260822%2E9.%2Bxxxxxxxxx34.3"; got != want {
		t.Errorf("Redacted() = %s, want %s", got, want)
	}
}
