package event_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/event"
)

// bigCall is a call with insights, of a usual size.
func bigCall() event.Call {
	c := failedCall()
	c.Result = json.RawMessage(`{"reference_id":"12345","target":"512-555-0123","insights":{"summary":"` +
		strings.Repeat("The caller asked to be called again. ", 20) + `"}}`)
	return c
}

func BenchmarkEncode(b *testing.B) {
	c := bigCall()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	e := eventOf(b, bigCall())
	b.ReportAllocs()
	for b.Loop() {
		_ = e.Message("syllable")
	}
}

func BenchmarkDecode(b *testing.B) {
	m := eventOf(b, bigCall()).Message("syllable")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.Decode(m.Header, m.Data); err != nil {
			b.Fatal(err)
		}
	}
}
