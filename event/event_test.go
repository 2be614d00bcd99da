package event_test

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

func TestSubject(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		prefix, name string
		campaign     *int64
		batch        string
		want         string
	}{
		{"syllable", "request.failed", ptr[int64](1), "20260822.9", "syllable.request.failed.1.20260822%2E9"},
		{"acme.calls", "channel.no_answer", ptr[int64](-7), "b", "acme.calls.channel.no_answer.-7.b"},
		{"syllable", "insights.completed", nil, "b>*", "syllable.insights.completed._.b%3E%2A"},
		{"syllable", "source.unreachable", nil, "", "syllable.source.unreachable._._"},
		{"syllable", "request.failed", ptr[int64](math.MaxInt64), "é", "syllable.request.failed.9223372036854775807.%C3%A9"},
	} {
		if got := event.Subject(tt.prefix, tt.name, tt.campaign, tt.batch); got != tt.want {
			t.Errorf("Subject = %q, want %q", got, tt.want)
		}
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	const want = "https://api.syllable.cloud/api/v1/outbound/batches/20260822%2E9"
	for _, base := range []string{apiBase, apiBase + "/"} {
		if got := event.Source(base, "20260822.9"); got != want {
			t.Errorf("Source(%q) = %q, want %q", base, got, want)
		}
		if got := event.Source(base, ""); got != strings.TrimSuffix(want, "/20260822%2E9") {
			t.Errorf("Source(%q) of the source itself = %q", base, got)
		}
	}
}

// TestMessage spells out one message in full, as the contract does.
func TestMessage(t *testing.T) {
	t.Parallel()
	e := failedEvent(t)
	e.Time = time.Date(2026, 8, 22, 12, 0, 15, 0, time.FixedZone("", 2*3600)) // not UTC
	const id = "s7k2m4p9x1qa.20260822%2E9.12345.3"
	want := event.Message{
		Subject: "syllable.request.failed.1.20260822%2E9",
		Header: map[string][]string{
			"ce-specversion": {"1.0"},
			"ce-id":          {id},
			"ce-type":        {"syllable.request.failed"},
			"ce-source":      {"https://api.syllable.cloud/api/v1/outbound/batches/20260822%2E9"},
			"ce-subject":     {"12345"},
			"ce-time":        {"2026-08-22T10:00:15Z"},
			"ce-sequence":    {"0000000003"},
			"ce-dataschema": {
				"https://raw.githubusercontent.com/syllable-notifier/notifier/main/docs/schema/call.v1.json",
			},
			"Content-Type": {"application/json"},
			"Nats-Msg-Id":  {id},
		},
		Data: e.Data,
	}
	if d := cmp.Diff(want, e.Message("syllable")); d != "" {
		t.Errorf("message (-want +got):\n%s", d)
	}
}

// TestWiderMessages does the same for an event of a batch and one of the source,
// which have no ce-subject.
func TestWiderMessages(t *testing.T) {
	t.Parallel()
	batch, source := eventOfBatch(t, activeBatch()), eventOfSource(t, outage())
	const docs = "https://raw.githubusercontent.com/syllable-notifier/notifier/main/docs/schema/"
	for _, tt := range []struct {
		of   event.Event
		want event.Message
	}{
		{batch, event.Message{
			Subject: "syllable.batch.active.1.20260822%2E9",
			Header: map[string][]string{
				"ce-specversion": {"1.0"},
				"ce-id":          {"s7k2m4p9x1qa.20260822%2E9.~batch.2"},
				"ce-type":        {"syllable.batch.active"},
				"ce-source":      {"https://api.syllable.cloud/api/v1/outbound/batches/20260822%2E9"},
				"ce-time":        {"2026-08-22T18:00:00Z"},
				"ce-sequence":    {"0000000002"},
				"ce-dataschema":  {docs + "batch.v1.json"},
				"Content-Type":   {"application/json"},
				"Nats-Msg-Id":    {"s7k2m4p9x1qa.20260822%2E9.~batch.2"},
			},
			Data: batch.Data,
		}},
		{source, event.Message{
			Subject: "syllable.source.recovered._._",
			Header: map[string][]string{
				"ce-specversion": {"1.0"},
				"ce-id":          {"s7k2m4p9x1qa.~source.~source.2"},
				"ce-type":        {"syllable.source.recovered"},
				"ce-source":      {"https://api.syllable.cloud/api/v1/outbound/batches"},
				"ce-time":        {"2026-08-22T10:20:00Z"},
				"ce-sequence":    {"0000000002"},
				"ce-dataschema":  {docs + "source.v1.json"},
				"Content-Type":   {"application/json"},
				"Nats-Msg-Id":    {"s7k2m4p9x1qa.~source.~source.2"},
			},
			Data: source.Data,
		}},
	} {
		if d := cmp.Diff(tt.want, tt.of.Message("syllable")); d != "" {
			t.Errorf("message (-want +got):\n%s", d)
		}
	}
}

func TestSequenceIsPadded(t *testing.T) {
	t.Parallel()
	for revision, want := range map[uint64]string{
		1: "0000000001", 9_999_999_999: "9999999999",
		math.MaxUint64: "18446744073709551615", // longer, never cut
	} {
		e := failedEvent(t)
		e.ID.Revision = revision
		if got := e.Message("syllable").Header[event.HeaderSequence][0]; got != want {
			t.Errorf("ce-sequence of %d is %q, want %q", revision, got, want)
		}
	}
}

// TestSubjectHeader checks ce-subject against the binding's rules for header
// values; the first case is the binding's own example.
func TestSubjectHeader(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]string{
		"Euro € 😀":        "Euro%20%E2%82%AC%20%F0%9F%98%80",
		"12345":           "12345",
		`"quoted"`:        "%22quoted%22",
		"100%":            "100%25",
		"a.b~c/d:e+f'g\\": "a.b~c/d:e+f'g\\", // printable: as it is
		"!}":              "!}",
		"\r\nNats-Msg-Id": "%0D%0ANats-Msg-Id", // cannot add a header
		"\x00\x1f\x7f":    "%00%1F%7F",
	} {
		e := failedEvent(t)
		e.ID.Reference = reference
		if got := e.Message("syllable").Header[event.HeaderSubject][0]; got != want {
			t.Errorf("ce-subject of %q is %q, want %q", reference, got, want)
		}
	}
}

// TestHeaders checks for any event that its headers are fit for the wire and
// say what the event says.
func TestHeaders(t *testing.T) {
	t.Parallel()
	printable := regexp.MustCompile(`^[\x21-\x7e]+$`)
	rapid.Check(t, func(t *rapid.T) {
		e := someEvent().Draw(t, "event")
		m := e.Message("syllable")
		want := 9
		if e.ID.Scope == event.ScopeCall {
			want = 10 // ce-subject
			if got := unescape(t, m.Header["ce-subject"][0]); got != e.ID.Reference {
				t.Fatalf("ce-subject reads as %q elsewhere, want %q", got, e.ID.Reference)
			}
		}
		if len(m.Header) != want {
			t.Fatalf("%d headers, want %d: %v", len(m.Header), want, m.Header)
		}
		for name, v := range m.Header {
			if len(v) != 1 || !printable.MatchString(v[0]) {
				t.Fatalf("header %s is %q", name, v)
			}
		}
		if got := m.Header["ce-time"][0]; got[len(got)-1] != 'Z' {
			t.Fatalf("ce-time %s is not UTC", got)
		}
		if !regexp.MustCompile(`^syllable(\.[A-Za-z0-9_%-]+){4}$`).MatchString(m.Subject) {
			t.Fatalf("subject %q", m.Subject)
		}
	})
}
