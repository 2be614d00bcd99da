package audit_test

import (
	"maps"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

func TestGoodStream(t *testing.T) {
	t.Parallel()
	a := goodStream(t).auditor()
	a.Compare(goodLives())
	want := audit.Report{
		Events: 13, Calls: 2, Batches: 1,
		ByName: map[string]int{
			"request.pending": 2, "request.initiated": 2, "request.completed": 1, "request.failed": 1,
			"channel.queued": 2, "channel.completed": 1, "channel.busy": 1,
			"insights.completed": 1, "insights.updated": 2,
		},
		Problems: []string{},
	}
	if d := gocmp.Diff(want, a.Report()); d != "" {
		t.Errorf("report (-want +got):\n%s", d)
	}
}

// TestHeadersOfTheWay checks that what servers and tracing add is no fault.
func TestHeadersOfTheWay(t *testing.T) {
	t.Parallel()
	s := goodStream(t)
	for _, m := range s.messages {
		maps.Copy(m.Header, map[string][]string{"Nats-Batch-Id": {"x"}, "Nats-Expected-Stream": {"S"}, "traceparent": {"00"}})
	}
	if got := s.auditor().Report().Problems; len(got) > 0 {
		t.Errorf("problems %q, want none", got)
	}
}

func TestReportIsACopy(t *testing.T) {
	t.Parallel()
	a := audit.New(prefix)
	a.Add("x", nil, nil)
	r := a.Report()
	r.ByName["x"], r.Problems[0] = 1, "y"
	if again := a.Report(); len(again.ByName) != 0 || again.Problems[0] == "y" {
		t.Error("a change of a report changed the auditor")
	}
}

// TestProblemsAreBounded checks that all problems are counted, and that a
// hundred are kept, none longer than a screen.
func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	a := audit.New(prefix)
	for range 1000 {
		a.Add(strings.Repeat("x", 1<<16), map[string][]string{"ce-id": {"x"}}, []byte("x"))
	}
	r := a.Report()
	if r.ProblemCount != 1000 || len(r.Problems) != 100 {
		t.Errorf("%d problems counted and %d kept, want 1000 and 100", r.ProblemCount, len(r.Problems))
	}
	for _, p := range r.Problems {
		if len(p) > 1000 {
			t.Fatalf("a sentence of %d bytes", len(p))
		}
	}
}

// TestBaseline checks that calls recorded silently pass with AllowBaseline,
// and only with it.
func TestBaseline(t *testing.T) {
	t.Parallel()
	s := newStream()
	s.baseline("old", sight{"INITIATED", "QUEUED", "", ""})
	s.baseline("updated", sight{"COMPLETED", "COMPLETED", "COMPLETED", good})
	s.baseline("quiet", sight{"FAILED", "BUSY", "", ""})
	s.poll()
	s.see(t, "old", sight{"INITIATED", "BUSY", "", ""}) // no event of its request
	s.see(t, "updated", sight{"COMPLETED", "COMPLETED", "COMPLETED", better})
	s.see(t, "new", sight{"PENDING", "", "", ""})
	s.poll()
	s.see(t, "old", sight{"FAILED", "BUSY", "", ""})
	lives := []audit.Life{
		{Batch: batch, Reference: "old", Fields: map[event.Field][]*string{
			event.FieldRequestStatus:  chain("PENDING", "INITIATED", "FAILED"),
			event.FieldChannelStatus:  chain("", "QUEUED", "BUSY"),
			event.FieldInsightsStatus: chain(""),
		}},
		{Batch: batch, Reference: "updated", Fields: map[event.Field][]*string{
			event.FieldRequestStatus: chain("PENDING", "COMPLETED"), // of which no event tells
			event.FieldInsights:      chain("", fingerprintOf(good), fingerprintOf(better)),
		}},
		{Batch: batch, Reference: "quiet", Fields: map[event.Field][]*string{
			event.FieldRequestStatus: chain("PENDING", "FAILED"),
		}},
		{Batch: batch, Reference: "new", Fields: map[event.Field][]*string{
			event.FieldRequestStatus: chain("PENDING"),
		}},
	}
	a := s.auditor(allowBaseline)
	a.Compare(lives)
	if got := a.Report().Problems; len(got) > 0 {
		t.Errorf("problems %q, want none", got)
	}
	a = s.auditor()
	a.Compare(lives)
	expect(t, a, []string{
		`"old" of batch "20260822.9", revision 1: the first event of a call must be of request_status`,
		`"updated" of batch "20260822.9", revision 1: the first event of a call must be of request_status`,
		`"quiet" of batch "20260822.9": it really existed, but has no event`,
	})
}
