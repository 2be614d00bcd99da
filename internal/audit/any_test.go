package audit_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

// world is a batch in which anything happens, and a daemon that polls it at times.
type world struct {
	*stream
	now   map[string]sight
	lives map[string][]audit.Life // of each call, one after the other
}

// move lets a call become something else, or begin.
func (w *world) move(ref string, next sight) {
	if _, listed := w.now[ref]; !listed {
		w.lives[ref] = append(w.lives[ref], audit.Life{
			Batch: batch, Reference: ref, Fields: map[event.Field][]*string{},
		})
	}
	l := w.lives[ref][len(w.lives[ref])-1]
	v := next.values()
	for f, value := range map[event.Field]*string{
		event.FieldRequestStatus: v.Request, event.FieldChannelStatus: v.Channel,
		event.FieldInsightsStatus: v.Insights, event.FieldInsights: v.Content,
	} {
		l.Fields[f] = append(l.Fields[f], value)
	}
	w.now[ref] = next
}

// take takes a call out of the batch.
func (w *world) take(ref string) {
	if _, listed := w.now[ref]; listed {
		w.lives[ref][len(w.lives[ref])-1].Removed = true
		delete(w.now, ref)
	}
}

// look polls, and sees all that there is.
func (w *world) look(t fataler) {
	w.poll()
	for _, ref := range slices.Sorted(maps.Keys(w.seen)) {
		if _, listed := w.now[ref]; !listed {
			w.remove(t, ref)
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(w.now)) {
		w.see(t, ref, w.now[ref])
	}
}

// TestAnyGoodStream polls random lives of calls and of their batch at random
// times, and checks that neither the stream nor the comparison finds a fault; and
// that an event that is left out is missed, unless it is the last of its kind.
func TestAnyGoodStream(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := &world{stream: newStream(), now: map[string]sight{}, lives: map[string][]audit.Life{}}
		text := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		whatever := func() sight {
			return sight{
				text("request", "", "PENDING", "INITIATED", "FAILED"), text("channel", "", "QUEUED", "NO-ANSWER", "x y"),
				text("status", "", "PENDING", "COMPLETED"), text("insights", "", good, better, numbered, `{}`),
			}
		}
		ref := func() string { return text("ref", "a", "b.c", "d") }
		baseline := rapid.Bool().Draw(t, "baseline")
		if baseline {
			w.move("d", whatever())
			w.baseline("d", w.now["d"])
			w.batch.status, w.batch.completed = p(text("was", "", active)), rapid.Bool().Draw(t, "completed")
		}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			switch text("step", "move", "move", "take", "look", "look", "look", "status", "complete", "outage") {
			case "move":
				w.move(ref(), whatever())
			case "take":
				w.take(ref())
			case "look":
				w.look(t)
			case "status":
				if to := text("to", active, "PAUSED"); w.batch.status == nil || *w.batch.status != to {
					w.setStatus(t, to)
				}
			case "complete":
				if !w.batch.completed {
					w.complete(t)
				}
			case "outage":
				w.outage(t)
			}
		}
		w.look(t) // the last one sees how it all ended
		var all []audit.Life
		for _, ref := range slices.Sorted(maps.Keys(w.lives)) {
			all = append(all, w.lives[ref]...)
		}
		a := w.auditor(func(a *audit.Auditor) { a.AllowBaseline = baseline })
		a.Compare(all)
		if r := a.Report(); r.ProblemCount > 0 {
			t.Fatalf("problems %q, want none", r.Problems)
		}
		if len(w.messages) == 0 || baseline {
			return
		}
		w.without(t, rapid.IntRange(0, len(w.messages)-1).Draw(t, "lost"), all)
	})
}

// without checks that the loss of an event is found.
func (w *world) without(t *rapid.T, lost int, lives []audit.Life) {
	m := w.messages[lost]
	id, err := event.ParseID(m.Header[event.HeaderID][0])
	if err != nil {
		t.Fatal(err)
	}
	messages := slices.Delete(slices.Clone(w.messages), lost, lost+1)
	last := !slices.ContainsFunc(messages[lost:], func(m event.Message) bool {
		later, err := event.ParseID(m.Header[event.HeaderID][0])
		return err == nil && later.Scope == id.Scope && later.Reference == id.Reference
	})
	content := strings.Contains(string(m.Data), `"field":"insights"`) // the event before it may have it as well
	if last && (id.Scope != event.ScopeCall || content) {
		return // nobody knows how many there were
	}
	a := (&stream{messages: messages}).auditor()
	a.Compare(lives)
	if a.Report().ProblemCount == 0 {
		t.Fatalf("%s was left out, and nobody has noticed", id)
	}
}
