package event_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

func TestDecodeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		call := someCall().Draw(t, "call")
		want := eventOf(t, call)
		prefix := rapid.SampledFrom([]string{"syllable", "acme.calls"}).Draw(t, "prefix")
		m := want.Message(prefix)
		got, err := event.Decode(m.Header, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("event (-want +got):\n%s", d)
		}
		gotCall, err := got.Call()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(call, gotCall); d != "" {
			t.Fatalf("call (-want +got):\n%s", d)
		}
		if d := cmp.Diff(m, got.Message(prefix)); d != "" {
			t.Fatalf("message made again (-want +got):\n%s", d)
		}
	})
}

// TestDecodeAccepts checks what a reader of the binding must bear, although
// no event of ours is written so.
func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]map[string][]string{
		"needless and lower-case encoding": {"ce-subject": {"%31%32%33%34%35"}},
		"a time with an offset":            {"ce-time": {"2026-08-22T12:00:15+02:00"}},
		"further headers":                  {"traceparent": {"00-0-0-01"}, "ce-other": {"x"}},
	} {
		want := failedEvent(t)
		m := want.Message("syllable")
		maps.Copy(m.Header, set)
		got, err := event.Decode(m.Header, m.Data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: event (-want +got):\n%s", name, d)
		}
		if got.Time.Location() != time.UTC { // cmp compares the moment alone
			t.Errorf("%s: the time %v is not in UTC", name, got.Time)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header, value string // "" takes the header away
		want          string
	}{
		{"ce-specversion", "", "ce-specversion"},
		{"ce-specversion", "0.3", `is "0.3", want "1.0"`},
		{"ce-id", "", "ce-id"},
		{"ce-id", "12345", "want <store>.<batch>.<reference>.<revision>"},
		{"ce-id", "s1.b.12345.0", "not a positive number"},
		{"ce-id", "s1.b.other.3", `is "12345", but the id is of "other"`},
		{"ce-subject", "", "ce-subject"},
		{"ce-subject", "12345%", "ends inside a percent-encoding"},
		{"ce-subject", "12345%4x", "without two hex digits"},
		{"ce-subject", "%C0%A0", "not valid UTF-8"},
		{"ce-time", "", "ce-time"},
		{"ce-time", "2026-08-22 10:00:15", "ce-time"},
		{"ce-type", "", "ce-type"},
		{"ce-type", "request.failed", "want <prefix>.<kind>.<status>"},
		{"ce-type", "syllable..failed", "empty part"},
		{"ce-type", "syllable.request.", "empty part"},
	} {
		m := failedEvent(t).Message("syllable")
		if tt.value == "" {
			delete(m.Header, tt.header)
		} else {
			m.Header[tt.header] = []string{tt.value}
		}
		_, err := event.Decode(m.Header, m.Data)
		if err == nil {
			t.Errorf("%s: %q was accepted", tt.header, tt.value)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "ce-") {
			t.Errorf("%s: %q: error %q, want it to name the header and say %q", tt.header, tt.value, err, tt.want)
		}
	}
	if _, err := event.Decode(nil, nil); err == nil {
		t.Error("a message without headers was accepted")
	}
}

func TestDecodeRefusesData(t *testing.T) {
	t.Parallel()
	m := failedEvent(t).Message("syllable")
	for _, data := range []string{"", "[]", `"x"`, "{", `{}x`, `{"campaign_id":"one"}`} {
		_, err := event.Decode(m.Header, []byte(data))
		if err == nil {
			t.Errorf("data %q was accepted", data)
		} else if !strings.Contains(err.Error(), "12345.3: data: ") {
			t.Errorf("data %q: error %q does not say which event's data is wrong", data, err)
		}
	}
}

func TestCallRefuses(t *testing.T) {
	t.Parallel()
	data := string(failedEvent(t).Data)
	for name, broken := range map[string]string{
		"null":            "null",
		"other batch":     strings.Replace(data, `"20260822.9"`, `"20260822.8"`, 1),
		"other reference": strings.Replace(data, `"reference_id":"12345"`, `"reference_id":"12346"`, 1),
		"other revision":  strings.Replace(data, `"revision":3`, `"revision":4`, 1),
		"wrong type":      strings.Replace(data, `"revision":3`, `"revision":"3"`, 1),
		"cut":             data[:len(data)-1],
	} {
		e := failedEvent(t)
		e.Data = []byte(broken)
		if c, err := e.Call(); err == nil {
			t.Errorf("%s: Call gave %+v, want an error", name, c)
		} else if !strings.Contains(err.Error(), e.ID.String()) {
			t.Errorf("%s: error %q does not name the event", name, err)
		}
	}
	for _, scope := range []event.Scope{event.ScopeBatch, event.ScopeSource} {
		e := failedEvent(t)
		e.ID.Scope = scope
		if c, err := e.Call(); err == nil {
			t.Errorf("scope %s: Call gave %+v, want an error", scope, c)
		}
	}
}

// TestDecodeRefusesWiderSubjects checks that the ids of a batch and of the source
// cannot come with the reference of a call.
func TestDecodeRefusesWiderSubjects(t *testing.T) {
	t.Parallel()
	for _, e := range []event.Event{eventOfBatch(t, activeBatch()), eventOfSource(t, outage())} {
		m := e.Message("syllable")
		m.Header[event.HeaderSubject] = []string{"12345"}
		if _, err := event.Decode(m.Header, m.Data); err == nil || !strings.Contains(err.Error(), "ce-subject") {
			t.Errorf("%s with a ce-subject: error %v, want one that names it", e.ID, err)
		}
	}
}

// FuzzDecode checks that no message makes the decoder panic, and that what it
// accepts is the same event when it is written and read again.
func FuzzDecode(f *testing.F) {
	seed := func(m event.Message) {
		h := func(name string) string { return strings.Join(m.Header[name], "") }
		f.Add(h("ce-specversion"), h("ce-id"), h("ce-type"), h("ce-source"), h("ce-subject"), h("ce-time"), m.Data)
	}
	seed(eventOfBatch(f, completedBatch()).Message("syllable"))
	seed(eventOfSource(f, outage()).Message("syllable"))
	add := func(change func(*event.Message)) {
		m := failedEvent(f).Message("syllable")
		change(&m)
		seed(m)
	}
	add(func(*event.Message) {})
	add(func(m *event.Message) { m.Data = []byte("null") })
	add(func(m *event.Message) { m.Header["ce-subject"] = []string{"%C0%A0"} })
	add(func(m *event.Message) { m.Header["ce-time"] = []string{"2026-08-22T12:00:15.5+02:00"} })
	add(func(m *event.Message) {
		m.Header["ce-id"], m.Header["ce-subject"] = []string{"s1.b.%E2%82%AC.1"}, []string{"%e2%82%ac"}
	})
	f.Fuzz(func(t *testing.T, spec, id, typ, source, subject, at string, data []byte) {
		e, err := event.Decode(map[string][]string{
			"ce-specversion": {spec}, "ce-id": {id}, "ce-type": {typ},
			"ce-source": {source}, "ce-subject": {subject}, "ce-time": {at},
		}, data)
		if err != nil {
			return
		}
		_, _ = e.Call() // any outcome but a panic will do
		_, _ = e.Batch()
		_, _ = e.Outage()
		m := e.Message("syllable")
		again, err := event.Decode(m.Header, m.Data)
		if err != nil {
			t.Fatalf("read again: %v", err)
		}
		if d := cmp.Diff(e, again); d != "" {
			t.Errorf("read again (-first +second):\n%s", d)
		}
	})
}
