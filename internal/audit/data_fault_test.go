package audit_test

import (
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/event"
)

// replace replaces a part of the data of the last event as it stands, replaceIn
// that of any.
func replace(old, with string) change { return replaceIn(last, old, with) }

func replaceIn(i int, old, with string) change {
	return func(t *testing.T, s *stream) {
		t.Helper()
		data := string(s.messages[i].Data)
		if !strings.Contains(data, old) {
			t.Fatalf("no %s in %s", old, data)
		}
		s.messages[i].Data = []byte(strings.Replace(data, old, with, 1))
	}
}

func TestUnreadableData(t *testing.T) {
	t.Parallel()
	const unreadable = atLast + "the data cannot be read: "
	const noID = unreadable + "batch_id or reference_id is empty, or revision is 0"
	faults := map[string]fault{
		"not JSON":          one(replace(`{"batch_id"`, `{batch_id"`), unreadable+"data: invalid character"),
		"cut":               one(replace(`}}`, `}`), unreadable+"data: unexpected end"),
		"null":              one(setData(last, "null"), unreadable+"batch_id is missing"),
		"list":              one(setData(last, "[]"), unreadable+"data: json"),
		"nothing":           one(setData(last, ""), unreadable+"data: unexpected end"),
		"not UTF-8":         one(replace(`"FAILED"`, "\"\xff\""), unreadable+"it is not valid UTF-8"),
		"no observed.after": one(replace(`"after"`, `"before"`), unreadable+"observed.after is missing"),
		"no observed.until": one(replace(`"until"`, `"at"`), unreadable+"observed.until is missing"),
		"result a text":     one(replace(`"result":{`, `"result":"","x":{`), unreadable+"result: json"),
		"revision a text":   one(replace(`"revision":5`, `"revision":"5"`), unreadable+"json"),
		"revision 0":        one(replace(`"revision":5`, `"revision":0`), noID),
		"empty batch":       one(replace(`"batch_id":"20260822.9"`, `"batch_id":""`), noID),
		"empty reference":   one(replace(`"reference_id":"r.2"`, `"reference_id":""`), noID),
		"neither id nor it": one(both(set(last, "ce-id", "x"), setData(last, "x")),
			`message 11 on subject "syllable.channel.busy.1.20260822%2E9": neither header ce-id`),
		"result without reference": one(replace(`"reference_id":"r.2","request`, `"request`),
			unreadable+"result.reference_id is missing"),
	}
	for _, field := range []string{
		"batch_id", "campaign_id", "reference_id", "field", "from", "to", "revision", "observed", "result",
	} {
		faults["without "+field] = one(replace(`"`+field+`":`, `"other_`+field+`":`), unreadable+field+" is missing")
	}
	testFaults(t, faults)
}

func TestDataFaults(t *testing.T) {
	t.Parallel()
	result := func(reference string, s sight) func(*event.Call) {
		return func(c *event.Call) { c.Result = s.result(t, reference) }
	}
	busy, queued := sight{"FAILED", "BUSY", "", ""}, sight{"FAILED", "QUEUED", "", ""}
	testFaults(t, map[string]fault{
		"a field that is none": one(replace(`"field":"channel_manager_status"`, `"field":"target"`),
			atLast+`the field "target" is none that is tracked`),
		"the result of another call": one(edit(last, result("r1", busy)), atLast+"result.reference_id is not the call's"),
		"the result of old times": one(edit(last, result("r.2", queued)),
			atLast+`to is "BUSY", but by the result channel_manager_status is "QUEUED"`),
		"a result without the field": one(replace(`"channel_manager_status":"BUSY",`, ``),
			atLast+`to is "BUSY", but by the result channel_manager_status is null`),
		"a result with a number": one(replace(`"channel_manager_status":"BUSY"`, `"channel_manager_status":486`),
			atLast+"result.channel_manager_status is neither a text nor null"),
		"observed backwards": one(edit(last, func(c *event.Call) {
			late := c.Observed.Until.Add(1)
			c.Observed.After = &late
		}), atLast+"observed.after is later than observed.until"),
		"nothing changed": one(edit(last, func(c *event.Call) {
			c.To = c.From
			result("r.2", queued)(c)
		}), atLast+`from and to are both "QUEUED": nothing changed`),
		"request_status null": {edit(9, func(c *event.Call) {
			c.To = nil
			result("r.2", sight{})(c)
		}), []string{
			`revision 4: request_status is null; absent counts as "PENDING"`,
			`revision 4: to is null, but by the result request_status is "PENDING"`,
		}},
		"insights without their fingerprint": one(
			edit(12, result("r1", sight{"COMPLETED", "COMPLETED", "COMPLETED", better})),
			`revision 8: to is "`+fingerprintOf(good)+`", but by the result insights is "`+fingerprintOf(better)+`"`),
	})
}
