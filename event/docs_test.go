package event_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
)

// TestDocumentedEvent takes headers and data from docs/events.md and reads
// them as a subscriber would, so that the page cannot drift from the code.
func TestDocumentedEvent(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)

	_, rest, _ := strings.Cut(page, "```json\n")
	data, _, ok := strings.Cut(rest, "\n```")
	if !ok {
		t.Fatal("no JSON example in docs/events.md")
	}
	header := map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .* \\| `([^`]+)` \\|$")
	for _, row := range row.FindAllStringSubmatch(page, -1) {
		header[row[1]] = []string{row[2]}
	}

	e, err := event.Decode(header, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Call()
	if err != nil {
		t.Fatal(err)
	}
	// The page lays the data out in lines; only the result is verbatim.
	if e.Data, err = c.Encode(); err != nil {
		t.Fatal(err)
	}
	m := eventOf(t, c).Message("syllable")
	if d := cmp.Diff(m, e.Message("syllable")); d != "" {
		t.Errorf("message (-made +documented):\n%s", d)
	}
	if d := cmp.Diff(m.Header, header); d != "" {
		t.Errorf("headers (-made +documented):\n%s", d)
	}
	if !strings.Contains(page, "\n"+m.Subject+"\n") {
		t.Errorf("the subject %s is not on the page", m.Subject)
	}
	schema, err := os.ReadFile("../docs/schema/call.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(compileSchema(t, event.SchemaCall, schema), json.RawMessage(data)); err != nil {
		t.Error(err)
	}
}
