package audit_test

import (
	"testing"

	"github.com/syllable-notifier/notifier/event"
)

func TestRevisionFaults(t *testing.T) {
	t.Parallel()
	const r1 = `call "r1" of batch "20260822.9", revision `
	testFaults(t, map[string]fault{
		"calls in any order":   {swap(0, 1), nil},
		"an event lost":        one(drop(6), r1+"5: revision 4 is missing before it"),
		"the first event lost": one(drop(0), r1+"2: revision 1 is missing before it"),
		"two lost":             one(both(drop(7), drop(6)), r1+"6: revision 4 is missing before it"),
		"sent twice at once":   one(again(6, 7), r1+"4: it comes after revision 4: repeated, or out of order"),
		"sent twice, late":     one(again(2, 13), r1+"2: it comes after revision 8: repeated, or out of order"),
		"out of order": {swap(6, 7), []string{
			r1 + "5: revision 4 is missing before it", r1 + "4: it comes after revision 5: repeated, or out of order",
		}},
		"another state file": one(setID(12, "other.20260822%2E9.r1.8"),
			r1+"8: the id is of store other, all before it of s7k2m4p9x1qa"),
		// What cannot be read breaks nothing behind it.
		"data unreadable": one(setData(2, "x"), r1+"2: the data cannot be read"),
		"id unreadable":   one(setID(2, "x"), r1+`2: header ce-id is "x"`),
		"field unknown": one(edit(2, func(c *event.Call) { c.Field = "x" }),
			r1+`2: the field "x" is none that is tracked`),
	})
}

func TestChainFaults(t *testing.T) {
	t.Parallel()
	const r1 = `call "r1" of batch "20260822.9", revision `
	other := fingerprintOf("{}")
	testFaults(t, map[string]fault{
		"from is not the to before": one(editFrom(6, p("CONNECTED")),
			r1+`4: from is "CONNECTED", but request_status was "INITIATED" before`),
		"from is null again": one(editFrom(6, nil), r1+`4: from is null, but request_status was "INITIATED" before`),
		"first request not from null": one(editFrom(0, p("INITIATED")),
			r1+`1: the first event of a call must be of request_status and from null, `+
				`but this is of request_status and from "INITIATED"`),
		"first channel not from null": one(editFrom(3, p("BUSY")),
			r1+`3: from is "BUSY", but channel_manager_status was null before`),
		"first insights not from null": one(editFrom(8, p("PENDING")),
			r1+`6: from is "PENDING", but insights_status was null before`),
		"first updated not from the content that came with the status": one(editFrom(11, &other),
			r1+`7: from is "`+other+`", but insights was "`+fingerprintOf(good)+`" before`),
		"first updated from null": one(editFrom(11, nil),
			r1+`7: from is null, but insights was "`+fingerprintOf(good)+`" before`),
		"second updated not from the first": one(editFrom(12, &other),
			r1+`8: from is "`+other+`", but insights was "`+fingerprintOf(better)+`" before`),
		"a to that the next one does not know": one(edit(4, func(c *event.Call) {
			c.To, c.Result = p("CONNECTED"), sight{"CONNECTED", "QUEUED", "", ""}.result(t, "r.2")
		}), `"r.2" of batch "20260822.9", revision 4: from is "INITIATED", but request_status was "CONNECTED" before`),
	})
}
