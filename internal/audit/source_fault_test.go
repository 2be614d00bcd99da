package audit_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// editOutage changes the data of an event of the source, and leaves the rest.
func editOutage(i int, with func(*event.Outage)) change {
	return func(t *testing.T, s *stream) {
		t.Helper()
		var o event.Outage
		if err := json.Unmarshal(s.messages[i].Data, &o); err != nil {
			t.Fatal(err)
		}
		with(&o)
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		s.messages[i].Data = data
	}
}

func TestSourceFaults(t *testing.T) {
	t.Parallel()
	const first, second, third = "the source, revision 1: ", "the source, revision 2: ", "the source, revision 3: "
	const unreadable = first + "the data cannot be read: "
	testWideFaults(t, map[string]fault{
		"an event lost":   one(drop(atBack), third+"revision 2 is missing before it"),
		"the first lost":  one(drop(atOut), second+"revision 1 is missing before it"),
		"the last lost":   {drop(atOut2), nil}, // nobody can know
		"sent twice":      one(again(atBack, atBack+1), second+"it comes after revision 2: repeated, or out of order"),
		"unreadable":      one(setData(atBack, "x"), second+"the data cannot be read: data: invalid character"),
		"not UTF-8":       one(replaceIn(atOut, "answered 503", "answered \xff"), unreadable+"it is not valid UTF-8"),
		"no since":        one(replaceIn(atOut, `"since"`, `"from"`), unreadable+"since is missing"),
		"no cause":        one(replaceIn(atOut, `"cause"`, `"why"`), unreadable+"cause is missing"),
		"no failed_polls": one(replaceIn(atOut, `"failed_polls"`, `"polls"`), unreadable+"failed_polls is missing"),
		"no revision":     one(replaceIn(atOut, `"revision"`, `"number"`), unreadable+"revision is missing"),
		"revision 0":      one(replaceIn(atOut, `"revision":1`, `"revision":0`), unreadable+"revision is 0"),
		"until null":      one(replaceIn(atOut, `"cause"`, `"until":null,"cause"`), unreadable+"until is null"),
		"polls a text":    one(replaceIn(atOut, `"failed_polls":3`, `"failed_polls":"3"`), unreadable+"json"),
		"no poll failed": one(editOutage(atOut, func(o *event.Outage) { o.FailedPolls = 0 }),
			first+"failed_polls is 0, want 1"),
		"an empty cause": one(editOutage(atOut, func(o *event.Outage) { o.Cause = "" }), first+"cause is empty"),
		"fewer in the end": one(editOutage(atBack, func(o *event.Outage) { o.FailedPolls = 2 }),
			second+"it has recovered after 2 failed polls, but 3 were told before"),
		"of another outage": one(editOutage(atBack, func(o *event.Outage) { o.Since = o.Since.Add(time.Second) }),
			second+"it has recovered since another time"),
		"it ends first": {editOutage(atBack, func(o *event.Outage) { *o.Until = o.Since.Add(-time.Second) }), []string{
			second + "header ce-time is", second + "it is observed before since",
		}},
		"out before since":  one(set(atOut, "ce-time", "2026-08-22T09:00:00Z"), first+"it is observed before since"),
		"a time of no form": one(set(atOut, "ce-time", "today"), first+`header ce-time is "today", want a time`),
		"no time":           one(set(atOut, "ce-time", ""), first+"header ce-time is missing"),
		"time not UTC":      one(set(atOut, "ce-time", "2026-08-22T12:02:00+02:00"), first+"header ce-time is"),
		"another type":      one(set(atBack, "ce-type", "syllable.source.unreachable"), second+"header ce-type is"),
		"a ce-subject":      one(set(atOut, "ce-subject", "x"), first+`header ce-subject is "x", want none`),
		"another schema":    one(set(atOut, "ce-dataschema", event.SchemaBatch), first+"header ce-dataschema is"),
		"of a batch":        one(set(atOut, "ce-source", "https://x/api/v1/outbound/batches/b"), first+"header ce-source is"),
		"another subject":   one(setSubject(atOut, "syllable.source.unreachable.1._"), first+"the subject is"),
		"another revision":  one(setID(atOut, "s7k2m4p9x1qa.~source.~source.2"), first+"header ce-id is"),
		"no id":             one(setID(atOut, "x"), first+`header ce-id is "x", want "s7k2m4p9x1qa.~source.~source.1"`),
		"another store":     one(setID(atOut, "other.~source.~source.1"), first+"the id is of store other"),
		"neither id nor data": one(both(setID(atOut2, "x"), setData(atOut2, `{"failed_polls":1}`)),
			`message 26 on subject "syllable.source.unreachable._._": neither header ce-id`),
	})
}

// TestOutagesByTurns lets the source go up and down as it cannot.
func TestOutagesByTurns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		steps func(*stream)
		want  []string
	}{
		"by turns": {func(s *stream) { s.outage(t); s.outage(t); s.outage(t); s.outage(t) }, nil},
		"unreachable twice": {func(s *stream) {
			s.outage(t)
			s.batch.outages, s.batch.outage = 2, event.Outage{}
			s.outage(t)
			s.messages[len(s.messages)-2] = s.messages[len(s.messages)-1]
			s.messages = s.messages[:len(s.messages)-1]
		}, []string{"the source, revision 3: revision 1 is missing before it"}},
		"recovered at once": {func(s *stream) {
			s.outage(t)
			s.outage(t)
			end := len(s.messages) - 1
			s.messages = append(s.messages[:end-1], renumbered(t, s.messages[end], 1))
		}, []string{"the source, revision 1: it has recovered, but was not unreachable"}},
		"recovered twice": {func(s *stream) {
			s.outage(t)
			s.outage(t)
			s.messages = append(s.messages, renumbered(t, s.messages[len(s.messages)-1], 3))
		}, []string{"the source, revision 3: it has recovered, but was not unreachable"}},
		"out twice": {func(s *stream) {
			s.outage(t)
			s.messages = append(s.messages, renumbered(t, s.messages[len(s.messages)-1], 2))
		}, []string{"the source, revision 2: it is unreachable, but was so already"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := goodStream(t)
			tt.steps(s)
			expect(t, s.auditor(), tt.want)
		})
	}
}

// renumbered returns an event of the source with another revision.
func renumbered(t *testing.T, m event.Message, revision uint64) event.Message {
	t.Helper()
	e, err := event.Decode(m.Header, m.Data)
	if err != nil {
		t.Fatal(err)
	}
	o, err := e.Outage()
	if err != nil {
		t.Fatal(err)
	}
	o.Revision, e.ID.Revision = revision, revision
	if e.Data, err = o.Encode(); err != nil {
		t.Fatal(err)
	}
	return e.Message(prefix)
}
