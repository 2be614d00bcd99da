package event_test

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
)

// documentedData returns the JSON examples of docs/events.md, and the page.
func documentedData(t *testing.T) (data []string, page string) {
	t.Helper()
	raw, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)\n```").FindAllStringSubmatch(string(raw), -1) {
		data = append(data, block[1])
	}
	if len(data) == 0 {
		t.Fatal("no JSON example in docs/events.md")
	}
	return data, string(raw)
}

// TestDocumentedEvent takes headers and data from docs/events.md and reads
// them as a subscriber would, so that the page cannot drift from the code.
func TestDocumentedEvent(t *testing.T) {
	t.Parallel()
	all, page := documentedData(t)
	data := all[0]
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
}

// TestDocumentedData reads every example of data on the page, writes it again,
// and compares it with its schema.
func TestDocumentedData(t *testing.T) {
	t.Parallel()
	all, _ := documentedData(t)
	seen := map[string]int{}
	for _, data := range all {
		again, schema := writtenAgain(t, data)
		seen[schema]++
		var want, got any
		if err := json.Unmarshal([]byte(data), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Errorf("data (-written +documented):\n%s", d)
		}
		raw, err := os.ReadFile(filepath.Join("..", "docs", "schema", path.Base(schema)))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(compileSchema(t, schema, raw), []byte(data)); err != nil {
			t.Error(err)
		}
	}
	want := map[string]int{event.SchemaCall: 1, event.SchemaBatch: 2, event.SchemaSource: 1}
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("examples by schema (-want +got):\n%s", d)
	}
}

// writtenAgain reads data of whatever scope, strictly, and encodes them again.
func writtenAgain(t *testing.T, data string) (again json.RawMessage, schema string) {
	t.Helper()
	read := func(v any) {
		d := json.NewDecoder(strings.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(v); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
	}
	var err error
	switch {
	case strings.Contains(data, `"result"`):
		var c event.Call
		read(&c)
		schema = event.SchemaCall
		again, err = c.Encode()
	case strings.Contains(data, `"batch"`):
		var b event.Batch
		read(&b)
		schema = event.SchemaBatch
		again, err = b.Encode()
	default:
		var o event.Outage
		read(&o)
		schema = event.SchemaSource
		again, err = o.Encode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return again, schema
}
