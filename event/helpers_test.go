package event_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

const apiBase = "https://api.syllable.cloud"

func ptr[T any](v T) *T { return &v }

// unescape undoes percent-encoding with another implementation than ours.
func unescape(t interface{ Fatalf(string, ...any) }, s string) string {
	out, err := url.PathUnescape(s)
	if err != nil {
		t.Fatalf("%q is not percent-encoded well: %v", s, err)
	}
	return out
}

// anyBytes makes strings of any bytes, also those that are not UTF-8.
func anyBytes() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"20260822.9", "%2E", "a b", "*", ">", "~", "\r\n", "ref-Ä", "\x00", "\xff"}),
	)
}

// text makes what an event can hold as an id: UTF-8 and not empty.
func text() *rapid.Generator[string] {
	return anyBytes().Filter(func(s string) bool { return s != "" && s == strings.ToValidUTF8(s, "") })
}

func status() *rapid.Generator[*string] {
	known := rapid.SampledFrom([]string{"PENDING", "NO-ANSWER", "SIP_NOT_FOUND", ""})
	return rapid.Ptr(rapid.OneOf(known, rapid.String()), true)
}

// someTime makes times with and without fractions, in several zones.
func someTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		return at.In(time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "zone")*60))
	})
}

// someCall makes calls that can be events.
func someCall() *rapid.Generator[event.Call] {
	return rapid.Custom(func(t *rapid.T) event.Call {
		c := event.Call{
			BatchID:     text().Draw(t, "batch"),
			CampaignID:  rapid.Ptr(rapid.Int64(), true).Draw(t, "campaign"),
			ReferenceID: text().Draw(t, "reference"),
			Field: rapid.SampledFrom([]event.Field{
				event.FieldRequestStatus, event.FieldChannelStatus, event.FieldInsightsStatus, event.FieldInsights,
				event.FieldPresence,
			}).Draw(t, "field"),
			From:     status().Draw(t, "from"),
			To:       status().Draw(t, "to"),
			Revision: rapid.Uint64Min(1).Draw(t, "revision"),
			Observed: event.Observed{Until: someTime().Draw(t, "until")},
		}
		if rapid.Bool().Draw(t, "polled before") {
			c.Observed.After = ptr(someTime().Draw(t, "after"))
		}
		c.Result = someResult().Draw(t, "result")
		return c
	})
}

// someResult makes platform objects, some laid out as no Go encoder would.
func someResult() *rapid.Generator[json.RawMessage] {
	return rapid.Custom(func(t *rapid.T) json.RawMessage {
		b, err := json.Marshal(map[string]any{
			rapid.String().Draw(t, "key"): rapid.String().Draw(t, "value"),
			"target":                      "512-555-0123",
		})
		if err != nil {
			t.Fatal(err)
		}
		space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
		return json.RawMessage(`{` + space + `"raw": "<a & b>", "n": 1.50e+2,` + space + string(b[1:]))
	})
}

// eventOf makes the event of a call as the daemon does.
func eventOf(t interface{ Fatalf(string, ...any) }, c event.Call) event.Event {
	data, err := c.Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	name := event.InsightsUpdated
	switch c.Field {
	case event.FieldRequestStatus:
		name = event.Name(event.KindRequest, c.To)
	case event.FieldChannelStatus:
		name = event.Name(event.KindChannel, c.To)
	case event.FieldInsightsStatus:
		name = event.Name(event.KindInsights, c.To)
	case event.FieldPresence:
		name = event.RequestRemoved
	}
	return event.Event{
		ID:     event.ID{Store: "s7k2m4p9x1qa", Batch: c.BatchID, Reference: c.ReferenceID, Revision: c.Revision},
		Name:   name,
		Source: event.Source(apiBase, c.BatchID), CampaignID: c.CampaignID,
		Time: c.Observed.Until.UTC(), Data: data,
	}
}

// failedCall is the example of the documentation.
func failedCall() event.Call {
	return event.Call{
		BatchID: "20260822.9", CampaignID: ptr[int64](1), ReferenceID: "12345",
		Field: event.FieldRequestStatus, From: ptr("INITIATED"), To: ptr("FAILED"), Revision: 3,
		Observed: event.Observed{
			After: ptr(time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)),
			Until: time.Date(2026, 8, 22, 10, 0, 15, 0, time.UTC),
		},
		Result: json.RawMessage(`{"reference_id":"12345","target":"512-555-0123","request_status":"FAILED"}`),
	}
}

// removedCall is a call that the platform no longer lists.
func removedCall() event.Call {
	c := failedCall()
	c.Field, c.From, c.To = event.FieldPresence, ptr(event.PresenceListed), ptr(event.PresenceRemoved)
	c.Revision, c.Result = 6, json.RawMessage(`{"reference_id":"12345"}`)
	return c
}

func failedEvent(tb testing.TB) event.Event {
	tb.Helper()
	return eventOf(tb, failedCall())
}

// completedBatch is the example of the documentation.
func completedBatch() event.Batch {
	return event.Batch{
		BatchID: "20260822.9", CampaignID: ptr[int64](1), Revision: 3,
		Observed: event.Observed{
			After: ptr(time.Date(2026, 8, 22, 17, 59, 45, 0, time.UTC)),
			Until: time.Date(2026, 8, 22, 18, 0, 0, 0, time.UTC),
		},
		Manifest: &event.Manifest{
			Calls: 3, RequestStatus: map[string]int{"COMPLETED": 2, "FAILED": 1},
			ChannelStatus:  map[string]int{"BUSY": 1, "COMPLETED": 2},
			InsightsStatus: map[string]int{"COMPLETED": 2, "null": 1},
			Rating:         map[string]int{"Good": 2},
			Events:         31,
			First:          ptr(time.Date(2026, 8, 22, 10, 0, 15, 0, time.UTC)),
			Last:           ptr(time.Date(2026, 8, 22, 17, 54, 30, 0, time.UTC)),
		},
		Batch: json.RawMessage(`{"batch_id":"20260822.9","status":"ACTIVE"}`),
	}
}

// activeBatch is a batch whose status is seen for the first time.
func activeBatch() event.Batch {
	b := completedBatch()
	b.Manifest, b.Revision = nil, 2
	b.Field, b.To = event.FieldStatus, ptr("ACTIVE")
	return b
}

// outage is the example of the documentation.
func outage() event.Outage {
	return event.Outage{
		Revision: 2, Since: time.Date(2026, 8, 22, 10, 0, 15, 0, time.UTC),
		Until:       ptr(time.Date(2026, 8, 22, 10, 20, 0, 0, time.UTC)),
		FailedPolls: 14, Cause: "the platform answered 503 Service Unavailable",
	}
}

// eventOfBatch makes the event of a batch as the daemon does.
func eventOfBatch(t interface{ Fatalf(string, ...any) }, b event.Batch) event.Event {
	data, err := b.Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	name := event.BatchReopened
	switch {
	case b.Field != "":
		name = event.Name(event.KindBatch, b.To)
	case b.Manifest != nil:
		name = event.BatchCompleted
	}
	return event.Event{
		ID:   event.ID{Store: "s7k2m4p9x1qa", Scope: event.ScopeBatch, Batch: b.BatchID, Revision: b.Revision},
		Name: name, Source: event.Source(apiBase, b.BatchID), CampaignID: b.CampaignID,
		Time: b.Observed.Until.UTC(), Data: data,
	}
}

// eventOfSource makes the event of an outage as the daemon does.
func eventOfSource(t interface{ Fatalf(string, ...any) }, o event.Outage) event.Event {
	data, err := o.Encode()
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	name, at := event.SourceUnreachable, o.Since.Add(time.Minute)
	if o.Until != nil {
		name, at = event.SourceRecovered, *o.Until
	}
	return event.Event{
		ID:   event.ID{Store: "s7k2m4p9x1qa", Scope: event.ScopeSource, Revision: o.Revision},
		Name: name, Source: event.Source(apiBase, ""), Time: at.UTC(), Data: data,
	}
}

// someEvent makes events of all scopes.
func someEvent() *rapid.Generator[event.Event] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) event.Event { return eventOf(t, someCall().Draw(t, "call")) }),
		rapid.Custom(func(t *rapid.T) event.Event { return eventOfBatch(t, someBatch().Draw(t, "batch")) }),
		rapid.Custom(func(t *rapid.T) event.Event { return eventOfSource(t, someOutage().Draw(t, "outage")) }),
	)
}
