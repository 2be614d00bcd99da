package event_test

import (
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

// TestCloudEvents reads our headers with another implementation of
// CloudEvents, and lets it judge and return what it has read.
func TestCloudEvents(t *testing.T) {
	t.Parallel()
	trimmed := someEvent().Filter(func(e event.Event) bool {
		// That implementation takes white space off the ends of a subject,
		// which the specification does not.
		return strings.TrimSpace(e.ID.Reference) == e.ID.Reference
	})
	schema := map[event.Scope]string{
		event.ScopeCall: event.SchemaCall, event.ScopeBatch: event.SchemaBatch, event.ScopeSource: event.SchemaSource,
	}
	rapid.Check(t, func(t *rapid.T) {
		want := trimmed.Draw(t, "event")
		m := want.Message("syllable")
		got := readCloudEvent(t, m)
		if err := got.Validate(); err != nil {
			t.Fatalf("not a CloudEvent: %v", err)
		}
		for _, attribute := range []struct{ name, got, want string }{
			{"specversion", got.SpecVersion(), "1.0"},
			{"id", got.ID(), want.ID.String()},
			{"type", got.Type(), "syllable." + want.Name},
			{"source", got.Source(), want.Source},
			{"subject", got.Subject(), want.ID.Reference},
			{"dataschema", got.DataSchema(), schema[want.ID.Scope]},
			{"datacontenttype", got.DataContentType(), "application/json"},
			{"data", string(got.Data()), string(want.Data)},
		} {
			if attribute.got != attribute.want {
				t.Fatalf("%s is %q, want %q", attribute.name, attribute.got, attribute.want)
			}
		}
		if !got.Time().Equal(want.Time) {
			t.Fatalf("time is %v, want %v", got.Time(), want.Time)
		}
	})
}

// readCloudEvent maps each ce-* header to its attribute, by the binding: the
// name without ce-, the value percent-decoded once. Ids and sources hold
// percent signs of their own; they are compared as they stand.
func readCloudEvent(t *rapid.T, m event.Message) cloudevents.Event {
	e := cloudevents.New("1.0")
	for header, v := range m.Header {
		name, ok := strings.CutPrefix(header, "ce-")
		if !ok {
			continue
		}
		switch name {
		case "specversion":
			e.SetSpecVersion(v[0])
		case "id":
			e.SetID(v[0])
		case "type":
			e.SetType(v[0])
		case "source":
			e.SetSource(v[0])
		case "subject":
			e.SetSubject(unescape(t, v[0]))
		case "time":
			at, err := types.ParseTime(v[0])
			if err != nil {
				t.Fatal(err)
			}
			e.SetTime(at)
		case "dataschema":
			e.SetDataSchema(v[0])
		default: // an extension: its name and value must be allowed ones
			e.SetExtension(name, v[0])
		}
	}
	if err := e.SetData(m.Header["Content-Type"][0], m.Data); err != nil {
		t.Fatal(err)
	}
	return e
}
