package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

// someBatch makes data of batches that can be events.
func someBatch() *rapid.Generator[event.Batch] {
	counts := rapid.MapOf(text(), rapid.IntRange(1, 100))
	return rapid.Custom(func(t *rapid.T) event.Batch {
		b := event.Batch{
			BatchID:    text().Draw(t, "batch"),
			CampaignID: rapid.Ptr(rapid.Int64(), true).Draw(t, "campaign"),
			Revision:   rapid.Uint64Min(1).Draw(t, "revision"),
			Observed: event.Observed{
				After: rapid.Ptr(someTime(), true).Draw(t, "after"), Until: someTime().Draw(t, "until"),
			},
			Batch: json.RawMessage(`{"batch_id": "x", "more": ["<&>"]}`),
		}
		if rapid.Bool().Draw(t, "status") {
			b.Field = event.FieldStatus
			b.From, b.To = rapid.Ptr(text(), true).Draw(t, "from"), rapid.Ptr(text(), false).Draw(t, "to")
		}
		if rapid.Bool().Draw(t, "manifest") {
			b.Manifest = &event.Manifest{
				Calls: 1, RequestStatus: counts.Draw(t, "request"), ChannelStatus: counts.Draw(t, "channel"),
				InsightsStatus: counts.Draw(t, "insights"), Rating: counts.Draw(t, "rating"),
				Events: 3, First: rapid.Ptr(someTime(), true).Draw(t, "first"),
			}
		}
		return b
	})
}

func TestBatchRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := someBatch().Draw(t, "batch")
		data, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(data), `"batch":`+string(b.Batch)+"}") {
			t.Fatalf("data %s, want the object verbatim at its end", data)
		}
		e := event.Event{
			ID:   event.ID{Store: "s1", Scope: event.ScopeBatch, Batch: b.BatchID, Revision: b.Revision},
			Name: event.BatchDiscovered, Source: event.Source(apiBase, b.BatchID), CampaignID: b.CampaignID,
			Time: b.Observed.Until.UTC(), Data: data,
		}
		m := e.Message("syllable")
		if _, has := m.Header[event.HeaderSubject]; has || m.Header[event.HeaderDataSchema][0] != event.SchemaBatch {
			t.Fatalf("headers %v", m.Header)
		}
		got, err := event.Decode(m.Header, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, got); d != "" {
			t.Fatalf("event (-want +got):\n%s", d)
		}
		back, err := got.Batch()
		if err != nil {
			t.Fatal(err)
		}
		if back.BatchID != b.BatchID || !back.Observed.Until.Equal(b.Observed.Until) || len(back.Batch) != len(b.Batch) {
			t.Fatalf("batch %+v, want %+v", back, b)
		}
		if _, err := got.Call(); err == nil {
			t.Fatal("it passes for the data of a call")
		}
		if _, err := got.Outage(); err == nil {
			t.Fatal("it passes for the data of the source")
		}
	})
}

func TestBatchMessage(t *testing.T) {
	t.Parallel()
	one := int64(1)
	at := time.Date(2026, 8, 22, 10, 0, 15, 0, time.UTC)
	active := "ACTIVE"
	data, err := event.Batch{
		BatchID: "20260822.9", CampaignID: &one, Field: event.FieldStatus, To: &active, Revision: 2,
		Observed: event.Observed{Until: at}, Batch: json.RawMessage(` {"batch_id":"20260822.9"} `),
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"batch_id":"20260822.9","campaign_id":1,"field":"status","to":"ACTIVE","revision":2,` +
		`"observed":{"after":null,"until":"2026-08-22T10:00:15Z"},"batch":{"batch_id":"20260822.9"}}`
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Errorf("data (-want +got):\n%s", d)
	}
	m := event.Event{
		ID:   event.ID{Store: "s1", Scope: event.ScopeBatch, Batch: "20260822.9", Revision: 2},
		Name: event.Name(event.KindBatch, &active), Source: event.Source(apiBase, "20260822.9"),
		CampaignID: &one, Time: at, Data: data,
	}.Message("syllable")
	headers := map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"s1.20260822%2E9.~batch.2"}, "Nats-Msg-Id": {"s1.20260822%2E9.~batch.2"},
		"ce-type": {"syllable.batch.active"}, "ce-time": {"2026-08-22T10:00:15Z"}, "ce-sequence": {"0000000002"},
		"ce-source":     {"https://api.syllable.cloud/api/v1/outbound/batches/20260822%2E9"},
		"ce-dataschema": {event.SchemaBatch}, "Content-Type": {"application/json"},
	}
	if d := cmp.Diff(headers, m.Header); d != "" || m.Subject != "syllable.batch.active.1.20260822%2E9" {
		t.Errorf("subject %s, headers (-want +got):\n%s", m.Subject, d)
	}
}

func TestSourceMessage(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 8, 22, 10, 0, 15, 0, time.FixedZone("", 3600))
	o := event.Outage{Revision: 1, Since: since, FailedPolls: 3, Cause: "the platform answered 503"}
	data, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"revision":1,"since":"2026-08-22T09:00:15Z","failed_polls":3,"cause":"the platform answered 503"}`
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Errorf("data (-want +got):\n%s", d)
	}
	e := event.Event{
		ID:   event.ID{Store: "s1", Scope: event.ScopeSource, Revision: 1},
		Name: event.SourceUnreachable, Source: event.Source(apiBase, ""), Time: since.UTC(), Data: data,
	}
	m := e.Message("a.b")
	if m.Subject != "a.b.source.unreachable._._" ||
		m.Header["ce-source"][0] != "https://api.syllable.cloud/api/v1/outbound/batches" ||
		m.Header["ce-id"][0] != "s1.~source.~source.1" || m.Header["ce-dataschema"][0] != event.SchemaSource {
		t.Errorf("message %+v", m)
	}
	got, err := event.Decode(m.Header, m.Data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(e, got); d != "" {
		t.Errorf("event (-want +got):\n%s", d)
	}
	back, err := got.Outage()
	if err != nil || !back.Since.Equal(since) || back.FailedPolls != 3 || back.Cause != o.Cause {
		t.Errorf("outage %+v, error %v", back, err)
	}
	if _, err := got.Batch(); err == nil {
		t.Error("it passes for the data of a batch")
	}
}

func TestWhatCannotBeAnEventOfABatch(t *testing.T) {
	t.Parallel()
	good := event.Batch{BatchID: "b", Revision: 1, Batch: json.RawMessage("{}")}
	bad := "\xff"
	for name, change := range map[string]func(*event.Batch){
		"no batch id": func(b *event.Batch) { b.BatchID = "" }, "no revision": func(b *event.Batch) { b.Revision = 0 },
		"no object": func(b *event.Batch) { b.Batch = nil }, "a list": func(b *event.Batch) { b.Batch = []byte("[]") },
		"a cut object": func(b *event.Batch) { b.Batch = []byte(`{"a"`) },
		"not Unicode":  func(b *event.Batch) { b.To = &bad },
	} {
		b := good
		change(&b)
		if data, err := b.Encode(); err == nil {
			t.Errorf("%s: %s", name, data)
		}
	}
	if _, err := (event.Outage{}).Encode(); err == nil {
		t.Error("an outage without a revision")
	}
}
