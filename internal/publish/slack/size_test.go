package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

// field returns the value beside a label, as a reader sees them.
func field(t *testing.T, m slackfake.Message, label string) (string, bool) {
	t.Helper()
	for _, b := range m.Blocks {
		for i := 0; i+1 < len(b.Fields); i += 2 {
			if b.Fields[i].Text == "*"+label+"*" {
				return b.Fields[i+1].Text, true
			}
		}
	}
	return "", false
}

func manyInsights(t *testing.T, n int, value string) string {
	t.Helper()
	insights := map[string]string{"summary": "short", "rating": "Good"}
	for i := range n {
		insights[fmt.Sprintf("key_%03d", i)] = value
	}
	raw, err := json.Marshal(map[string]any{"target": "512-555-0134", "attempt_count": 1, "insights": insights})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestALongSummaryIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	m := deliver(t, completed(t, "1", `{"insights":{"summary":"`+strings.Repeat("word ", 2_000)+`"}}`))
	got := m.Blocks[1].Rich[0].Elements[0].Text
	if len(got) < 2_800 || len(got) > 3_000 || !strings.HasSuffix(got, "word…") {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-20:])
	}
}

func TestManyInsights(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n     int
		value string
		shown int
		more  string
	}{
		{30, "yes", 30, ""},
		{31, "yes", 30, "1 further insights not shown"},
		{100, "yes", 30, "70 further insights not shown"},
		{100, strings.Repeat("<", 5_000), 20, "80 further insights not shown"},
	} {
		m := deliver(t, completed(t, "1", manyInsights(t, c.n, c.value)))
		shown := 0
		for i := range c.n {
			if _, ok := field(t, m, fmt.Sprintf("Key %03d", i)); ok {
				shown++
			}
		}
		if more, _ := field(t, m, "More"); shown != c.shown || more != c.more {
			t.Errorf("%d insights: %d shown, and %q", c.n, shown, more)
		}
		// What identifies the call is never what is left out.
		for _, label := range []string{"Rating", "Reference", "Phone", "Attempts"} {
			if _, ok := field(t, m, label); !ok {
				t.Errorf("%d insights: no %s", c.n, label)
			}
		}
	}
}

// Quotes take twice their place in JSON: nothing is larger than this.
func TestTheLargestMessageFits(t *testing.T) {
	t.Parallel()
	quotes := strings.Repeat(`"`, 5_000)
	insights := map[string]string{"summary": quotes, "rating": quotes}
	for i := range 100 {
		insights[quotes[:70]+string(rune('\u2190'+i))] = quotes // arrows: no letter of which to make a label
	}
	raw, err := json.Marshal(map[string]any{
		"target": "512-555-0134", "attempt_count": 1, "insights": insights,
		"request_status": strings.Repeat("x", 500), "channel_manager_status": quotes,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := deliver(t, completed(t, quotes, string(raw)))
	if more, ok := field(t, m, "More"); more != "90 further insights not shown" {
		t.Errorf("%q, %t: %d blocks, %d bytes", more, ok, len(m.Blocks), len(m.RawBlocks))
	}
}

func TestOneLongInsightIsShownWhole(t *testing.T) {
	t.Parallel()
	long := strings.TrimSpace(strings.Repeat("word ", 290))
	m := deliver(t, completed(t, "1", manyInsights(t, 1, long)))
	if got, _ := field(t, m, "Key 000"); got != long {
		t.Errorf("%d bytes of %d", len(got), len(long))
	}
}

func TestAKeyWithoutAName(t *testing.T) {
	t.Parallel()
	m := deliver(t, completed(t, "1", `{"insights":{"":"yes"}}`))
	if got, _ := field(t, m, "Unnamed"); got != "yes" {
		t.Errorf("shown as\n%s", m.Plain(80))
	}
}

// Slack shows times in the reader's zone, those that it can show.
func TestTimes(t *testing.T) {
	t.Parallel()
	const seen = "Batch 20260822.9 · Campaign 7 · Seen 2026-08-22 10:00 UTC"
	const called = "Batch 20260822.9 · Campaign 7 · Called %s · Seen 2026-08-22 10:00 UTC"
	for sent, want := range map[string]string{
		`"2026-08-22T11:30:00.5+02:00"`: fmt.Sprintf(called, "2026-08-22 09:30 UTC"),
		`"2000-01-01T00:00:00Z"`:        fmt.Sprintf(called, "2000-01-01 00:00 UTC"),
		`"1999-12-31T23:59:59Z"`:        seen,
		`"2101-01-01T00:00:00Z"`:        seen,
		`"2026-08-22 11:30"`:            seen,
		`1787392815`:                    seen,
		`null`:                          seen,
	} {
		m := deliver(t, completed(t, "1", `{"sent_at":`+sent+`}`))
		if got := m.Plain(100); !strings.HasSuffix(got, "\n"+want+"\n") {
			t.Errorf("sent_at %s:\n%s", sent, got)
		}
	}
	// The call says best when it was observed; its event says it too.
	e := completed(t, "1", `{}`)
	e.Time = observed.Add(time.Hour)
	if m := deliver(t, e); !strings.HasSuffix(m.Plain(100), seen+"\n") {
		t.Errorf("with another time of the event:\n%s", m.Plain(100))
	}
	e.Data = json.RawMessage(`{"batch_id":"20260822.9","reference_id":"1","revision":6,"result":{}}`)
	if m := deliver(t, e); !strings.HasSuffix(m.Plain(100), "Seen 2026-08-22 11:00 UTC\n") {
		t.Errorf("with the time of the event alone:\n%s", m.Plain(100))
	}
}

// Some customers use the number as reference. Then the id, in which it
// stands, is not put into the metadata.
func TestNumberAsReference(t *testing.T) {
	t.Parallel()
	for reference, plain := range map[string]bool{
		"12345": true, "5125550134": false, "(512) 555-0134": false, strings.Repeat("r", 600): false,
	} {
		e := completed(t, reference, `{"target":"+15125550134"}`)
		m := deliver(t, e)
		id, ok := m.Metadata.EventPayload["event_id"].(string)
		if !ok || (id == e.ID.String()) != plain || !plain && !strings.HasPrefix(id, "sha256:") {
			t.Errorf("%.20s: metadata %v", reference, m.Metadata)
		}
		if m.Metadata.EventType != "notifier_insight" {
			t.Errorf("event type %q", m.Metadata.EventType)
		}
		if strings.Contains(string(m.RawBlocks)+m.Text, "0134") {
			t.Errorf("the number is shown:\n%s", m.Plain(80))
		}
		again := deliver(t, e)
		if again.Metadata.EventPayload["event_id"] != id {
			t.Errorf("the id in the metadata is %s and %v", id, again.Metadata.EventPayload["event_id"])
		}
	}
}
