package audit_test

import (
	"testing"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

func TestRemovalFaults(t *testing.T) {
	t.Parallel()
	const r6, r7 = `call "r.2" of batch "20260822.9", revision 6: `, `call "r.2" of batch "20260822.9", revision 7: `
	result := func(text string) func(*event.Call) {
		return func(c *event.Call) { c.Result = []byte(text) }
	}
	testWideFaults(t, map[string]fault{
		"to somewhere else": one(edit(atRemoved, func(c *event.Call) { c.To = p("GONE") }),
			r6+`presence goes from "LISTED" to "GONE", want LISTED to REMOVED`),
		"from nothing": one(edit(atRemoved, func(c *event.Call) { c.From = nil }),
			r6+`presence goes from null to "REMOVED", want LISTED to REMOVED`),
		"an old result": one(edit(atRemoved, result(`{"reference_id":"r.2","request_status":"FAILED"}`)),
			r6+"the result of a call that is not listed has more than its reference_id"),
		"the result of another": one(edit(atRemoved, result(`{"reference_id":"r1"}`)),
			r6+"result.reference_id is not the call's"),
		"no result": one(edit(atRemoved, result(`{}`)),
			r6+"the data cannot be read: result.reference_id is missing"),
		"observed backwards": one(edit(atRemoved, func(c *event.Call) {
			late := c.Observed.Until.Add(1)
			c.Observed.After = &late
		}), r6+"observed.after is later than observed.until"),
		"another name": one(set(atRemoved, "ce-type", "syllable.request.gone"), r6+"header ce-type is"),
		"lost":         {drop(atRemoved), []string{r7 + "revision 6 is missing before it"}},
		"listed again as it was": one(edit(atListed, func(c *event.Call) { c.From = p("FAILED") }),
			r7+`the first event of a call must be of request_status and from null, `+
				`but this is of request_status and from "FAILED"`),
		"listed again without its request": one(edit(atListed, func(c *event.Call) {
			c.Field, c.To = event.FieldChannelStatus, p("BUSY")
			c.Result = sight{"PENDING", "BUSY", "", ""}.result(t, unreached)
		}), r7+"the first event of a call must be of request_status and from null, but this is of channel_manager_status"),
	})
}

// TestRemovals lets the good stream go on with removals.
func TestRemovals(t *testing.T) {
	t.Parallel()
	const r2 = `call "r.2" of batch "20260822.9", revision `
	for name, tt := range map[string]struct {
		steps          func(*stream)
		want, baseline []string
	}{
		"all fields start from null": {func(s *stream) {
			s.remove(t, unreached)
			s.poll()
			s.see(t, unreached, sight{"FAILED", "BUSY", "COMPLETED", good})
		}, nil, nil},
		"twice at once": {
			func(s *stream) { s.remove(t, unreached); s.remove(t, unreached) },
			[]string{r2 + "7: it is removed, but was not listed"}, []string{r2 + "7: it is removed, but was not listed"},
		},
		"as its first event": {
			func(s *stream) { s.baseline("r3", sight{"PENDING", "", "", ""}); s.remove(t, "r3") },
			[]string{`call "r3" of batch "20260822.9", revision 1: it is removed, but was not listed`}, nil,
		},
		"complete without it": {func(s *stream) { s.remove(t, unreached); s.complete(t) }, nil, nil},
		"complete without any": {
			func(s *stream) { s.remove(t, unreached); s.remove(t, answered); s.complete(t) }, nil, nil,
		},
		"again, and without one": {func(s *stream) { s.complete(t); s.remove(t, unreached); s.complete(t) }, nil, nil},
		"removed, but counted": {
			func(s *stream) {
				s.remove(t, unreached)
				s.seen[unreached] = sight{"FAILED", "BUSY", "", ""}
				s.complete(t)
			},
			[]string{ofBatch + "1: the manifest has 2 calls, the stream 1"},
			nil, // another one may be there, of which the stream does not tell
		},
	} {
		for _, baseline := range []bool{false, true} {
			s, want := goodStream(t), tt.want
			if tt.steps(s); baseline {
				want = tt.baseline
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				expect(t, s.auditor(func(a *audit.Auditor) { a.AllowBaseline = baseline }), want)
			})
		}
	}
}

// TestCompareRemovals compares removals with what really happened.
func TestCompareRemovals(t *testing.T) {
	t.Parallel()
	const r2 = `call "r.2" of batch "20260822.9"`
	remove := func(s *stream) { s.poll(); s.remove(t, unreached) }
	back := func(s *stream) { s.poll(); s.see(t, unreached, sight{"PENDING", "", "", ""}) }
	of := func(removed bool, values ...string) audit.Life {
		return audit.Life{Batch: batch, Reference: unreached, Removed: removed, Fields: map[event.Field][]*string{
			event.FieldRequestStatus: chain(values...),
		}}
	}
	for name, tt := range map[string]struct {
		steps []func(*stream)
		lives []audit.Life
		want  []string
	}{
		"removed": {[]func(*stream){remove}, []audit.Life{of(true, "PENDING", "INITIATED", "FAILED")}, nil},
		"removed, and something before that no poll saw": {
			[]func(*stream){remove}, []audit.Life{of(true, "PENDING", "INITIATED", "FAILED", "PENDING")}, nil,
		},
		"and listed again": {
			[]func(*stream){remove, back}, []audit.Life{of(true, "PENDING", "INITIATED", "FAILED"), of(false, "PENDING")}, nil,
		},
		"gone for a moment, which no poll saw": {
			[]func(*stream){back}, []audit.Life{of(true, "PENDING", "INITIATED", "FAILED"), of(false, "PENDING")}, nil,
		},
		"gone twice, told once": {
			[]func(*stream){remove, back},
			[]audit.Life{of(true, "PENDING", "INITIATED", "FAILED"), of(true, "INITIATED"), of(false, "PENDING")}, nil,
		},
		"a life that no poll saw": {nil, []audit.Life{
			of(false, "PENDING", "INITIATED", "FAILED"),
			{Batch: batch, Reference: "r3", Removed: true, Fields: of(true, "PENDING").Fields},
		}, nil},
		"invented": {
			[]func(*stream){remove}, []audit.Life{of(false, "PENDING", "INITIATED", "FAILED")},
			[]string{r2 + ": by its events it was removed once, but really never"},
		},
		"invented, and listed again": {
			[]func(*stream){remove, back}, []audit.Life{of(false, "PENDING", "INITIATED", "FAILED", "PENDING")},
			[]string{r2 + ": by its events it was removed once, but really never"},
		},
		"invented the second time": {
			[]func(*stream){remove, back, remove},
			[]audit.Life{of(true, "PENDING", "INITIATED", "FAILED"), of(false, "PENDING")},
			[]string{r2 + ": by its events it was removed 2 times, but really once"},
		},
		"not told": {
			nil, []audit.Life{of(true, "PENDING", "INITIATED", "FAILED")},
			[]string{r2 + ": by its events it is listed, but really it is removed"},
		},
		"listed again, not told": {
			[]func(*stream){remove}, []audit.Life{of(true, "PENDING", "INITIATED", "FAILED"), of(false, "PENDING")},
			[]string{r2 + ": by its events it is removed, but really it is listed"},
		},
		"told of the wrong life": {
			[]func(*stream){remove, back}, []audit.Life{of(true, "PENDING", "INITIATED"), of(false, "FAILED", "PENDING")},
			[]string{r2 + ", revision 6: it was really not removed at that point; request_status was " +
				`"PENDING", "INITIATED", removed, "FAILED", "PENDING"`},
		},
		"a value of the life before": {
			[]func(*stream){remove, back}, []audit.Life{of(true, "PENDING", "INITIATED", "FAILED"), of(false, "QUEUED")},
			[]string{r2 + `, revision 7: request_status was really never "PENDING" at that point`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := goodStream(t)
			for _, step := range tt.steps {
				step(s)
			}
			a := s.auditor()
			a.Compare(append(goodLives()[:1:1], tt.lives...))
			expect(t, a, tt.want)
		})
	}
}
