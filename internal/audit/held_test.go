package audit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

// held returns an auditor that knows what the wide stream's daemon holds.
func (s *stream) heldAuditor() *audit.Auditor {
	a := audit.NewHeld(prefix, "s7k2m4p9x1qa", batch)
	a.HoldBatch(audit.Batch{
		Revision: s.batch.revision, Status: s.batch.status, Completed: s.batch.completed,
		Events: s.batch.events, First: s.batch.first, Last: s.batch.last,
	})
	for reference, r := range s.held {
		a.Hold(reference, audit.Call{
			Revision: r.Revision, Removed: r.Removed,
			Request: r.Request, Channel: r.Channel, Insights: r.Insights, Content: r.Content,
		})
	}
	return a
}

// read adds the messages from one on, those of the source left out as on the
// subjects of a batch; they are numbered from 1.
func (s *stream) read(a *audit.Auditor, from int, leave ...int) {
	left := map[int]bool{}
	for _, i := range leave {
		left[i] = true
	}
	for i, m := range s.messages {
		id, err := event.ParseID(m.Header["ce-id"][0])
		if i >= from && !left[i] && err == nil && id.Scope != event.ScopeSource {
			a.AddAt(uint64(i+1), true, m.Subject, m.Header, m.Data)
		}
	}
}

// The wide stream agrees with its state, wherever its front is now.
func TestHeldAgrees(t *testing.T) {
	t.Parallel()
	s := wideStream(t)
	for from := range len(s.messages) + 1 {
		a := s.heldAuditor()
		s.read(a, from)
		v := a.Settle(audit.End{First: uint64(from + 1), AgedCalls: from > 0, AgedBatch: from > 0})
		if r := a.Report(); r.ProblemCount > 0 {
			t.Errorf("from message %d: %q", from+1, r.Problems)
		}
		if v.Events != 23 || v.Found+v.Aged != v.Events || (v.Aged > 0) != (from > 0) {
			t.Errorf("from message %d: %+v", from+1, v)
		}
	}
}

// Each message that is lost is one problem; also where the front may have aged,
// unless nothing is left before it.
func TestHeldMissesEach(t *testing.T) {
	t.Parallel()
	s := wideStream(t)
	for i, m := range s.messages {
		id, err := event.ParseID(m.Header["ce-id"][0])
		if err != nil {
			t.Fatal(err)
		}
		if id.Scope == event.ScopeSource {
			continue
		}
		a := s.heldAuditor()
		s.read(a, 0, i)
		v := a.Settle(audit.End{First: 1})
		r := a.Report()
		if d := cmp.Diff([]event.ID{id}, v.Lost); d != "" || v.Missing != 1 {
			t.Errorf("without message %d: lost (-want +got):\n%s", i+1, d)
		}
		// What comes next is out of place without a batch.reopened, and so is a
		// batch.completed without what reopened the batch.
		if r.ProblemCount != 1 && i != atReopened && i != atReopened+1 && i != atRemoved-1 {
			t.Errorf("without message %d: %q", i+1, r.Problems)
		}
		a = s.heldAuditor()
		s.read(a, 0, i)
		if v := a.Settle(audit.End{First: 1, AgedCalls: true, AgedBatch: true}); v.Missing != 1 && id.Revision > 1 {
			t.Errorf("with a front that may have aged, without message %d: %+v", i+1, v)
		}
	}
}

// Events may leave the stream at its front while it is read: what was read before
// the hole has left as well then.
func TestHeldWhileTheFrontMoves(t *testing.T) {
	t.Parallel()
	s := wideStream(t)
	for first, want := range map[uint64]int{3: 1, 4: 0} { // message 3 is revision 1 of r1
		a := s.heldAuditor()
		s.read(a, 0, 4) // without revision 2
		a.Settle(audit.End{First: first, AgedCalls: true})
		if r := a.Report(); r.ProblemCount != want {
			t.Errorf("with message %d as the first: %q", first, r.Problems)
		}
	}
}
