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
			Batch: rapid.OneOf(rapid.Just(json.RawMessage("{}")), someResult()).Draw(t, "object"),
		}
		if rapid.Bool().Draw(t, "status") {
			b.Field = event.FieldStatus
			b.From, b.To = rapid.Ptr(text(), true).Draw(t, "from"), rapid.Ptr(text(), false).Draw(t, "to")
		}
		if rapid.Bool().Draw(t, "manifest") {
			b.Manifest = &event.Manifest{
				Calls: rapid.IntRange(0, 100).Draw(t, "calls"), RequestStatus: counts.Draw(t, "request"),
				ChannelStatus: counts.Draw(t, "channel"), InsightsStatus: counts.Draw(t, "insights"),
				Events: rapid.Uint64().Draw(t, "events"),
				First:  rapid.Ptr(someTime(), true).Draw(t, "first"), Last: rapid.Ptr(someTime(), true).Draw(t, "last"),
			}
			if rating := counts.Draw(t, "rating"); len(rating) > 0 {
				b.Manifest.Rating = rating
			}
		}
		return b
	})
}

// TestEncodeBatch spells out the data of events of a batch.
func TestEncodeBatch(t *testing.T) {
	t.Parallel()
	abroad := time.FixedZone("", 7200)
	const head = `{"batch_id":"20260822.9","campaign_id":1,`
	const observed = `"observed":{"after":"2026-08-22T17:59:45Z","until":"2026-08-22T18:00:00Z"},`
	const object = `"batch":{"batch_id":"20260822.9","status":"ACTIVE"}}`
	for name, tt := range map[string]struct {
		of   event.Batch
		set  func(*event.Batch)
		want string
	}{
		"status at first": {
			activeBatch(), func(*event.Batch) {},
			head + `"field":"status","from":null,"to":"ACTIVE","revision":2,` + observed + object,
		},
		"status": {
			activeBatch(), func(b *event.Batch) { b.From, b.To = ptr("<NEW>"), ptr("A&B") },
			head + `"field":"status","from":"<NEW>","to":"A&B","revision":2,` + observed + object,
		},
		"completed, all times in UTC": {
			completedBatch(), func(b *event.Batch) {
				b.Observed = event.Observed{After: ptr(b.Observed.After.In(abroad)), Until: b.Observed.Until.In(abroad)}
				b.Manifest.First, b.Manifest.Last = ptr(b.Manifest.First.In(abroad)), ptr(b.Manifest.Last.In(abroad))
			},
			head + `"revision":3,` + observed + `"manifest":{"calls":3,"request_status":{"COMPLETED":2,"FAILED":1},` +
				`"channel_manager_status":{"BUSY":1,"COMPLETED":2},"insights_status":{"COMPLETED":2,"null":1},` +
				`"rating":{"Good":2},"events":31,"first":"2026-08-22T10:00:15Z","last":"2026-08-22T17:54:30Z"},` + object,
		},
		"completed, and nothing to count": {
			completedBatch(), func(b *event.Batch) { b.Manifest = &event.Manifest{} },
			head + `"revision":3,` + observed + `"manifest":{"calls":0,"request_status":{},` +
				`"channel_manager_status":{},"insights_status":{},"events":0,"first":null,"last":null},` + object,
		},
		"never seen": {
			completedBatch(), func(b *event.Batch) {
				b.CampaignID, b.Observed.After, b.Manifest, b.Batch = nil, nil, nil, json.RawMessage(" {} \n")
			},
			`{"batch_id":"20260822.9","campaign_id":null,"revision":3,` +
				`"observed":{"after":null,"until":"2026-08-22T18:00:00Z"},"batch":{}}`,
		},
		"object byte for byte": {
			activeBatch(), func(b *event.Batch) { b.Batch = json.RawMessage("{ \"n\": 1.50,\n\"x\":\"<&>\\u00e9\" }") },
			head + `"field":"status","from":null,"to":"ACTIVE","revision":2,` + observed +
				"\"batch\":{ \"n\": 1.50,\n\"x\":\"<&>\\u00e9\" }}",
		},
	} {
		tt.set(&tt.of)
		got, err := tt.of.Encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tt.want, string(got)); d != "" {
			t.Errorf("%s: data (-want +got):\n%s", name, d)
		}
	}
}

func TestBatchRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := someBatch().Draw(t, "batch")
		e := eventOfBatch(t, want)
		m := e.Message("syllable")
		if !strings.HasSuffix(string(m.Data), `"batch":`+string(want.Batch)+"}") {
			t.Fatalf("data %s, want the object verbatim at its end", m.Data)
		}
		decoded, err := event.Decode(m.Header, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, decoded); d != "" {
			t.Fatalf("event (-want +got):\n%s", d)
		}
		got, err := decoded.Batch()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" { // times compare by the moment
			t.Fatalf("batch (-want +got):\n%s", d)
		}
		if d := cmp.Diff(m, decoded.Message("syllable")); d != "" {
			t.Fatalf("message made again (-want +got):\n%s", d)
		}
	})
}

// TestEncodeBatchLeavesItsInput checks that what the caller goes on holding is
// not changed.
func TestEncodeBatchLeavesItsInput(t *testing.T) {
	t.Parallel()
	b := completedBatch()
	zone := time.FixedZone("", 7200)
	b.Manifest = &event.Manifest{First: ptr(b.Manifest.First.In(zone))}
	if _, err := b.Encode(); err != nil {
		t.Fatal(err)
	}
	if b.Manifest.RequestStatus != nil || b.Manifest.First.Location() != zone || b.Batch == nil {
		t.Errorf("Encode changed its receiver: %+v, %+v", b, b.Manifest)
	}
}

func TestEncodeBatchRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  func(*event.Batch)
		want string
	}{
		"no batch id":        {func(b *event.Batch) { b.BatchID = "" }, "needs a batch id"},
		"revision 0":         {func(b *event.Batch) { b.Revision = 0 }, "a revision from 1"},
		"no object":          {func(b *event.Batch) { b.Batch = nil }, "not a JSON object"},
		"blank object":       {func(b *event.Batch) { b.Batch = []byte(" \n") }, "not a JSON object"},
		"null":               {func(b *event.Batch) { b.Batch = []byte("null") }, "not a JSON object"},
		"list":               {func(b *event.Batch) { b.Batch = []byte("[]") }, "not a JSON object"},
		"cut object":         {func(b *event.Batch) { b.Batch = []byte(`{"a"`) }, "not a JSON object"},
		"way out":            {func(b *event.Batch) { b.Batch = []byte(`{},"x":{}`) }, "not a JSON object"},
		"object not UTF-8":   {func(b *event.Batch) { b.Batch = []byte("{\"a\":\"\xff\"}") }, "not valid UTF-8"},
		"batch not UTF-8":    {func(b *event.Batch) { b.BatchID = "\xff" }, "not valid UTF-8"},
		"field not UTF-8":    {func(b *event.Batch) { b.Field = "\xff" }, "not valid UTF-8"},
		"from not UTF-8":     {func(b *event.Batch) { b.From = ptr("\xff") }, "not valid UTF-8"},
		"to not UTF-8":       {func(b *event.Batch) { b.To = ptr("\xff") }, "not valid UTF-8"},
		"request not UTF-8":  {func(b *event.Batch) { b.Manifest.RequestStatus["\xff"] = 1 }, "not valid UTF-8"},
		"channel not UTF-8":  {func(b *event.Batch) { b.Manifest.ChannelStatus["\xff"] = 1 }, "not valid UTF-8"},
		"insights not UTF-8": {func(b *event.Batch) { b.Manifest.InsightsStatus["\xff"] = 1 }, "not valid UTF-8"},
		"rating not UTF-8":   {func(b *event.Batch) { b.Manifest.Rating["\xff"] = 1 }, "not valid UTF-8"},
		"year of six digits": {func(b *event.Batch) { b.Observed.Until = time.Unix(1e13, 0) }, "year outside"},
	} {
		b := completedBatch()
		tt.set(&b)
		if data, err := b.Encode(); err == nil {
			t.Errorf("%s: Encode gave %s, want an error", name, data)
		} else if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "event of batch ") {
			t.Errorf("%s: error %q, want it to name the batch and say %q", name, err, tt.want)
		}
	}
}

func TestBatchRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*event.Event){
		"null":           func(e *event.Event) { e.Data = []byte("null") },
		"cut":            func(e *event.Event) { e.Data = e.Data[:len(e.Data)-1] },
		"other batch":    func(e *event.Event) { e.ID.Batch = "20260822.8" },
		"other revision": func(e *event.Event) { e.ID.Revision++ },
		"of a call":      func(e *event.Event) { e.ID.Scope, e.ID.Reference = event.ScopeCall, "12345" },
		"of the source":  func(e *event.Event) { e.ID.Scope, e.ID.Batch = event.ScopeSource, "" },
	} {
		e := eventOfBatch(t, completedBatch())
		change(&e)
		if b, err := e.Batch(); err == nil {
			t.Errorf("%s: Batch gave %+v, want an error", name, b)
		} else if !strings.Contains(err.Error(), e.ID.String()) {
			t.Errorf("%s: error %q does not name the event", name, err)
		}
	}
}
