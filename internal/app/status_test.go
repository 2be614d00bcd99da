package app_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/ops"
)

func status(t *testing.T, a *app.App) ops.Status {
	t.Helper()
	code, body := get(t, a, "/api/v1/status")
	var s ops.Status
	if err := json.Unmarshal([]byte(body), &s); err != nil || code != http.StatusOK {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	return s
}

// The stream and the sinks are asked; what they do not answer is not known,
// which is another thing than nothing.
func TestStatusOfStreamAndSinks(t *testing.T) {
	t.Parallel()
	const calls = 3
	p, url := newPlatform(t, calls)
	c := settings(t, url)
	c.SlackToken, c.SlackChannel, c.SlackAPIURL = "xoxb-test", "#calls", "http://127.0.0.1:1/api/"
	a, stop := begin(t, c)
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	var s ops.Status
	eventually(t, "a summary waits for Slack", func() bool {
		s = status(t, a)
		return len(s.Sinks) == 1 && s.Sinks[0].Waiting != nil && *s.Sinks[0].Waiting > 0 && s.Sinks[0].Trouble != ""
	})
	if s.Stream.Messages == nil || *s.Stream.Messages < calls || s.Stream.Bytes == nil || s.Stream.Trouble != "" {
		t.Errorf("stream %+v", s.Stream)
	}
	stop()

	c.NATSURL, c.DataDir = "nats://127.0.0.1:1", t.TempDir() // nobody is there
	a, _ = begin(t, c)
	s = status(t, a)
	if s.Stream.Messages != nil || s.Stream.Trouble == "" || s.Stream.Name != "SYLLABLE" {
		t.Errorf("without NATS: stream %+v", s.Stream)
	}
	if len(s.Sinks) != 1 || s.Sinks[0].Waiting != nil || s.Sinks[0].Trouble == "" || s.Ready {
		t.Errorf("without NATS: sinks %+v, ready %t", s.Sinks, s.Ready)
	}
}
