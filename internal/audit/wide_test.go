package audit_test

import (
	"encoding/json"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

// batchState is what the daemon holds of a batch.
type batchState struct {
	revision    uint64
	status      *string
	completed   bool
	events      uint64
	first, last *time.Time

	outages uint64
	outage  event.Outage
}

func (b *batchState) note(at time.Time) {
	if b.first == nil {
		b.first = &at
	}
	b.last = &at
}

// batchEvent publishes an event of the batch itself.
func (s *stream) batchEvent(t fataler, name string, b event.Batch) {
	t.Helper()
	s.batch.revision++
	campaign, after := int64(1), s.time().Add(-15*time.Second)
	object := map[string]any{"batch_id": batch, "status": s.batch.status}
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatalf("batch: %v", err)
	}
	b.BatchID, b.CampaignID, b.Batch, b.Revision = batch, &campaign, raw, s.batch.revision
	b.Observed = event.Observed{After: &after, Until: s.time()}
	data, err := b.Encode()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	s.messages = append(s.messages, event.Event{
		ID:   event.ID{Store: "s7k2m4p9x1qa", Scope: event.ScopeBatch, Batch: batch, Revision: b.Revision},
		Name: name, Source: event.Source("https://api.syllable.cloud", batch), CampaignID: &campaign,
		Time: s.time(), Data: data,
	}.Message(prefix))
}

func (s *stream) discover(t fataler) {
	t.Helper()
	s.batchEvent(t, event.BatchDiscovered, event.Batch{})
}

func (s *stream) setStatus(t fataler, to string) {
	t.Helper()
	from := s.batch.status
	s.batch.status = &to
	s.batchEvent(t, event.Name(event.KindBatch, &to), event.Batch{Field: event.FieldStatus, From: from, To: &to})
}

// complete tells that the batch is complete, whatever its calls are.
func (s *stream) complete(t fataler) {
	t.Helper()
	m := event.Manifest{
		Calls: len(s.seen), RequestStatus: map[string]int{}, ChannelStatus: map[string]int{},
		InsightsStatus: map[string]int{}, Rating: map[string]int{},
		Events: s.batch.events, First: s.batch.first, Last: s.batch.last,
	}
	word := func(text, empty string) string {
		if text == "" {
			return empty
		}
		return text
	}
	for _, seen := range s.seen {
		m.RequestStatus[word(seen.request, "PENDING")]++
		m.ChannelStatus[word(seen.channel, "null")]++
		m.InsightsStatus[word(seen.status, "null")]++
		switch seen.insights {
		case good:
			m.Rating["Good"]++
		case better:
			m.Rating["Great"]++
		case numbered:
			m.Rating["4.5"]++
		}
	}
	s.batch.completed = true
	s.batchEvent(t, event.BatchCompleted, event.Batch{Manifest: &m})
}

// reopen tells that the batch was not complete after all, where it was told.
func (s *stream) reopen(t fataler) {
	t.Helper()
	if s.batch.completed {
		s.batch.completed = false
		s.batchEvent(t, event.BatchReopened, event.Batch{})
	}
}

// outage tells of the source: that it is unreachable, and then that it recovered.
func (s *stream) outage(t fataler) {
	t.Helper()
	o, name, at := &s.batch.outage, event.SourceUnreachable, s.time()
	if s.batch.outages++; s.batch.outages%2 == 1 {
		*o = event.Outage{Since: s.time().Add(-time.Minute), FailedPolls: 3, Cause: "the platform answered 503"}
	} else {
		name, o.Until = event.SourceRecovered, &at
		o.FailedPolls += 2
	}
	o.Revision = s.batch.outages
	data, err := o.Encode()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	s.messages = append(s.messages, event.Event{
		ID:   event.ID{Store: "s7k2m4p9x1qa", Scope: event.ScopeSource, Revision: o.Revision},
		Name: name, Source: event.Source("https://api.syllable.cloud", ""), Time: at, Data: data,
	}.Message(prefix))
}

// The events of the wide stream that are not of calls, and the last two of calls.
const (
	atDiscovered = 0
	atActive     = 1
	atFirstCall  = 2 // the first of those of the good stream
	atCompleted  = 15
	atReopened   = 16
	atCompleted2 = 18
	atOut        = 19
	atBack       = 20
	atRemoved    = 22
	atListed     = 23 // the call that was removed, again
	atPaused     = 24
	atOut2       = 25
)

// wideStream is the good stream with the life of its batch around it, and that of
// the source.
func wideStream(t *testing.T) *stream {
	t.Helper()
	s := newStream()
	s.poll()
	s.discover(t)          // 0
	s.setStatus(t, active) // 1
	ended := sight{"COMPLETED", "COMPLETED", "COMPLETED", good}
	for _, poll := range [][2]sight{ // 2 to 14, see goodStream
		{{"PENDING", "", "", ""}, {"", "", "", ""}},
		{{"INITIATED", "QUEUED", "", ""}, {"INITIATED", "QUEUED", "", ""}},
		{ended, {"FAILED", "BUSY", "", ""}},
		{{"COMPLETED", "COMPLETED", "COMPLETED", better}, {"FAILED", "BUSY", "", ""}},
		{ended, {"FAILED", "BUSY", "", ""}},
	} {
		s.poll()
		s.see(t, answered, poll[0])
		s.see(t, unreached, poll[1])
	}
	s.poll()
	s.complete(t) // 15
	s.poll()
	s.see(t, answered, sight{"COMPLETED", "COMPLETED", "COMPLETED", better}) // 16: reopened, and 17
	s.poll()
	s.complete(t) // 18
	s.outage(t)   // 19
	s.poll()
	s.outage(t) // 20
	s.poll()
	s.remove(t, unreached) // 21: reopened, and 22
	s.poll()
	s.see(t, unreached, sight{"PENDING", "", "", ""}) // 23
	s.setStatus(t, "PAUSED")                          // 24
	s.outage(t)                                       // 25
	if len(s.messages) != 26 {
		t.Fatalf("the wide stream has %d messages, want 26", len(s.messages))
	}
	return s
}

// wideLives is what really happened to the calls of the wide stream.
func wideLives() []audit.Life {
	l := goodLives()
	l[0].Fields[event.FieldInsights] = append(l[0].Fields[event.FieldInsights], p(fingerprintOf(better)))
	l[1].Removed = true
	return append(l, audit.Life{Batch: batch, Reference: unreached, Fields: map[event.Field][]*string{
		event.FieldRequestStatus: chain("PENDING"), event.FieldChannelStatus: chain(""),
		event.FieldInsightsStatus: chain(""), event.FieldInsights: chain(""),
	}})
}

func TestWideStream(t *testing.T) {
	t.Parallel()
	for _, baseline := range []bool{false, true} {
		a := wideStream(t).auditor(func(a *audit.Auditor) { a.AllowBaseline = baseline })
		a.Compare(wideLives())
		want := audit.Report{
			Events: 26, BatchEvents: 7, SourceEvents: 3, Calls: 2, Batches: 1,
			ByName: map[string]int{
				"batch.discovered": 1, "batch.active": 1, "batch.paused": 1, "batch.completed": 2, "batch.reopened": 2,
				"source.unreachable": 2, "source.recovered": 1,
				"request.pending": 3, "request.initiated": 2, "request.completed": 1, "request.failed": 1,
				"request.removed": 1, "channel.queued": 2, "channel.completed": 1, "channel.busy": 1,
				"insights.completed": 1, "insights.updated": 3,
			},
			Problems: []string{},
		}
		if d := gocmp.Diff(want, a.Report()); d != "" {
			t.Errorf("baseline %v: report (-want +got):\n%s", baseline, d)
		}
	}
}
