package audit_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/diff"
)

const (
	prefix = "syllable"
	batch  = "20260822.9"
)

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// p makes a value of a text; "" is null.
func p(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// chain makes a list of values.
func chain(texts ...string) []*string {
	values := make([]*string, len(texts))
	for i, s := range texts {
		values[i] = p(s)
	}
	return values
}

func fingerprintOf(compact string) string {
	sum := sha256.Sum256([]byte(compact))
	return hex.EncodeToString(sum[:])[:16]
}

// sight is what a poll sees of a call; "" is null.
type sight struct{ request, channel, status, insights string }

func (s sight) values() diff.Values {
	v := diff.Values{Request: p(s.request), Channel: p(s.channel), Insights: p(s.status)}
	if s.insights != "" {
		v.Content = p(fingerprintOf(s.insights))
	}
	return v
}

func (s sight) result(t fataler, reference string) json.RawMessage {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // as fingerprintOf has it
	err := enc.Encode(map[string]any{
		"reference_id": reference, "target": "512-555-0123",
		"request_status": p(s.request), "channel_manager_status": p(s.channel), "insights_status": p(s.status),
		"insights": json.RawMessage(cmp.Or(s.insights, "null")),
	})
	if err != nil {
		t.Fatalf("result: %v", err)
	}
	return b.Bytes()
}

// stream publishes what polls see, as the daemon does.
type stream struct {
	polls    int
	held     map[string]*diff.Record
	seen     map[string]sight // the newest of each call that is listed
	messages []event.Message
	batch    batchState
}

func newStream() *stream {
	return &stream{held: map[string]*diff.Record{}, seen: map[string]sight{}}
}

// time returns the time of the newest poll.
func (s *stream) time() time.Time {
	return time.Date(2026, 8, 22, 10, 0, 15*s.polls, 0, time.UTC)
}

// baseline records a call without events.
func (s *stream) baseline(reference string, seen sight) {
	record := diff.Baseline(seen.values())
	s.held[reference], s.seen[reference] = &record, seen
}

func (s *stream) poll() { s.polls++ }

func (s *stream) see(t fataler, reference string, seen sight) {
	t.Helper()
	record, changes := diff.Call(s.held[reference], seen.values())
	s.held[reference], s.seen[reference] = &record, seen
	if len(changes) > 0 {
		s.reopen(t)
	}
	for _, ch := range changes {
		s.publish(t, reference, ch, seen.result(t, reference))
	}
}

// remove tells that a call is not listed any more.
func (s *stream) remove(t fataler, reference string) {
	t.Helper()
	record, ch := diff.Removal(*s.held[reference])
	s.held[reference] = &record
	delete(s.seen, reference)
	s.reopen(t)
	s.publish(t, reference, ch, json.RawMessage(`{"reference_id":"`+reference+`"}`))
}

func (s *stream) publish(t fataler, reference string, ch diff.Change, result json.RawMessage) {
	t.Helper()
	campaign, after := int64(1), s.time().Add(-15*time.Second)
	s.batch.events++
	s.batch.note(s.time())
	s.messages = append(s.messages, message(t, event.Call{
		BatchID: batch, CampaignID: &campaign, ReferenceID: reference,
		Field: ch.Field, From: ch.From, To: ch.To, Revision: ch.Revision,
		Observed: event.Observed{After: &after, Until: s.time()}, Result: result,
	}, ch.Name))
}

func message(t fataler, c event.Call, name string) event.Message {
	t.Helper()
	data, err := c.Encode()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	e := event.Event{
		ID:     event.ID{Store: "s7k2m4p9x1qa", Batch: c.BatchID, Reference: c.ReferenceID, Revision: c.Revision},
		Name:   name,
		Source: event.Source("https://api.syllable.cloud", c.BatchID), CampaignID: c.CampaignID,
		Time: c.Observed.Until, Data: data,
	}
	return e.Message(prefix)
}

func (s *stream) auditor(set ...func(*audit.Auditor)) *audit.Auditor {
	a := audit.New(prefix)
	for _, f := range set {
		f(a)
	}
	for _, m := range s.messages {
		a.Add(m.Subject, m.Header, m.Data)
	}
	return a
}

func allowBaseline(a *audit.Auditor) { a.AllowBaseline = true }

// The insights of the good stream, and the call that has them.
const (
	good      = `{"rating":"Good","summary":"Wants <to> be called again."}`
	better    = `{"rating":"Great"}`
	numbered  = `{"rating":4.5}`
	answered  = "r1"
	unreached = "r.2"
)

// goodStream is a stream of two calls without a fault; see its order below.
func goodStream(t *testing.T) *stream {
	t.Helper()
	s := newStream()
	for _, poll := range [][2]sight{
		{{"PENDING", "", "", ""}, {"", "", "", ""}},                                 // 0 and 1: request of each
		{{"INITIATED", "QUEUED", "", ""}, {"INITIATED", "QUEUED", "", ""}},          // 2, 3 and 4, 5: request, channel
		{{"COMPLETED", "COMPLETED", "COMPLETED", good}, {"FAILED", "BUSY", "", ""}}, // 6, 7, 8 and 9, 10
		{{"COMPLETED", "COMPLETED", "COMPLETED", better}, {"FAILED", "BUSY", "", ""}},
		{{"COMPLETED", "COMPLETED", "COMPLETED", good}, {"FAILED", "BUSY", "", ""}}, // 11 and 12: insights.updated
	} {
		s.poll()
		s.see(t, answered, poll[0])
		s.see(t, unreached, poll[1])
	}
	if len(s.messages) != 13 {
		t.Fatalf("the good stream has %d messages, want 13", len(s.messages))
	}
	return s
}

// goodLives is what really happened to the calls of the good stream; some of
// it no poll saw.
func goodLives() []audit.Life {
	return []audit.Life{
		{Batch: batch, Reference: answered, Fields: map[event.Field][]*string{
			event.FieldRequestStatus:  chain("PENDING", "INITIATED", "CONNECTED", "COMPLETED"),
			event.FieldChannelStatus:  chain("", "QUEUED", "IN-PROGRESS", "COMPLETED"),
			event.FieldInsightsStatus: chain("", "PENDING", "COMPLETED"),
			event.FieldInsights:       chain("", fingerprintOf(good), fingerprintOf(better), fingerprintOf(good)),
		}},
		{Batch: batch, Reference: unreached, Fields: map[event.Field][]*string{
			event.FieldRequestStatus:  chain("", "INITIATED", "FAILED"), // null counts as PENDING
			event.FieldChannelStatus:  chain("", "QUEUED", "BUSY"),
			event.FieldInsightsStatus: chain(""),
			event.FieldInsights:       chain(""),
		}},
	}
}
