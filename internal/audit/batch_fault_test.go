package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

const (
	active  = "ACTIVE"
	ofBatch = `batch "20260822.9", revision `
)

// editBatch changes the data of an event of a batch, and makes the event anew.
func editBatch(i int, name string, with func(*event.Batch)) change {
	return func(t *testing.T, s *stream) {
		t.Helper()
		var b event.Batch
		if err := json.Unmarshal(s.messages[i].Data, &b); err != nil {
			t.Fatal(err)
		}
		with(&b)
		data, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		s.messages[i] = event.Event{
			ID:   event.ID{Store: "s7k2m4p9x1qa", Scope: event.ScopeBatch, Batch: b.BatchID, Revision: b.Revision},
			Name: name, Source: event.Source("https://api.syllable.cloud", b.BatchID), CampaignID: b.CampaignID,
			Time: b.Observed.Until, Data: data,
		}.Message(prefix)
	}
}

func TestBatchHeaders(t *testing.T) {
	t.Parallel()
	const r2 = ofBatch + "2: "
	testWideFaults(t, map[string]fault{
		"an id of a call": {setID(atPaused, "s7k2m4p9x1qa.20260822%2E9.%7Ebatch.7"), []string{
			`call "~batch" of batch "20260822.9", revision 7: the data cannot be read: reference_id is missing`,
			`call "~batch" of batch "20260822.9", revision 7: revision 1 is missing before it`,
		}},
		"an id of another revision": one(setID(atActive, "s7k2m4p9x1qa.20260822%2E9.~batch.3"),
			r2+`header ce-id is "s7k2m4p9x1qa.20260822%2E9.~batch.3", want "s7k2m4p9x1qa.20260822%2E9.~batch.2"`),
		"an id of another batch": one(setID(atActive, "s7k2m4p9x1qa.b.~batch.2"), r2+"header ce-id is"),
		"an id of the source":    one(setID(atOut2, "x"), `the source, revision 3: header ce-id is "x"`),
		"no id": one(setID(atActive, "x"),
			r2+`header ce-id is "x", want "s7k2m4p9x1qa.20260822%2E9.~batch.2"`),
		"another state file": one(setID(atActive, "other.20260822%2E9.~batch.2"),
			r2+"the id is of store other, all before it of s7k2m4p9x1qa"),
		"a ce-subject":        one(set(atActive, "ce-subject", "12345"), r2+`header ce-subject is "12345", want none`),
		"the schema of calls": one(set(atActive, "ce-dataschema", event.SchemaCall), r2+"header ce-dataschema is"),
		"another type":        one(set(atActive, "ce-type", "syllable.batch.paused"), r2+"header ce-type is"),
		"another time":        one(set(atActive, "ce-time", "2026-08-22T10:00:16Z"), r2+"header ce-time is"),
		"another sequence":    one(set(atActive, "ce-sequence", "0000000001"), r2+"header ce-sequence is"),
		"the source of all": one(set(atActive, "ce-source", "https://x/api/v1/outbound/batches"),
			r2+"header ce-source is"),
		"another subject":       one(setSubject(atActive, "syllable.batch.paused.1.20260822%2E9"), r2+"the subject is"),
		"another campaign":      one(setSubject(atActive, "syllable.batch.active._.20260822%2E9"), r2+"the subject is"),
		"a word of no event":    one(set(atReopened, "ce-type", "syllable.batch.x"), ofBatch+"4: header ce-type is"),
		"a word for a manifest": one(set(atCompleted, "ce-type", "syllable.batch.reopened"), ofBatch+"3: header ce-type is"),
		"no word at all": one(
			both(set(atReopened, "ce-type", "syllable.batch.x"), setSubject(atReopened, "syllable.batch.x.1.20260822%2E9")),
			ofBatch+"4: no field changed, and neither header ce-type nor the subject has a name"),
		"neither id nor data": one(both(setID(atPaused, "x"), setData(atPaused, `{"batch":{}}`)),
			"message 25 on subject \"syllable.batch.paused.1.20260822%2E9\": neither header ce-id"),
	})
}

func TestBatchData(t *testing.T) {
	t.Parallel()
	const unreadable = ofBatch + "2: the data cannot be read: "
	faults := map[string]fault{
		"cut":             one(replaceIn(atActive, `}}`, `}`), unreadable+"data: unexpected end"),
		"not UTF-8":       one(replaceIn(atActive, `"to":"ACTIVE"`, "\"to\":\"\xff\""), unreadable+"it is not valid UTF-8"),
		"no after":        one(replaceIn(atActive, `"after"`, `"before"`), unreadable+"observed.after is missing"),
		"no until":        one(replaceIn(atActive, `"until"`, `"at"`), unreadable+"observed.until is missing"),
		"revision a text": one(replaceIn(atActive, `"revision":2`, `"revision":"2"`), unreadable+"json"),
		"revision 0":      one(replaceIn(atActive, `"revision":2`, `"revision":0`), unreadable+"batch_id is empty"),
		"no from":         one(replaceIn(atActive, `"from":null,`, ``), unreadable+"from is missing"),
		"no to":           one(replaceIn(atActive, `"to":"ACTIVE",`, ``), unreadable+"to is missing"),
		"to null":         one(replaceIn(atActive, `"to":"ACTIVE"`, `"to":null`), unreadable+"to is null"),
		"no field": one(replaceIn(atActive, `"field":"status",`, ``),
			unreadable+"from is there, but no field changed"),
		"null batch": one(replaceIn(atReopened, `"batch":{"batch_id":"20260822.9","status":"ACTIVE"}`, `"batch":null`),
			ofBatch+"4: the data cannot be read: batch is null"),
		"a manifest without counts": one(replaceIn(atCompleted, `"insights_status"`, `"x"`),
			ofBatch+"3: the data cannot be read: manifest.insights_status is missing"),
		"another field": one(replaceIn(atActive, `"field":"status"`, `"field":"paused"`),
			ofBatch+`2: the field "paused" is none of a batch`),
		"of another batch": one(replaceIn(atActive, `"batch":{"batch_id":"20260822.9"`, `"batch":{"batch_id":"20260822.8"`),
			ofBatch+"2: batch.batch_id is not the batch's"),
		"of old times": one(replaceIn(atPaused, `"status":"PAUSED"`, `"status":"ACTIVE"`),
			ofBatch+`7: to is "PAUSED", but by the batch status is another`),
		"a status that is a number": one(replaceIn(atPaused, `"status":"PAUSED"`, `"status":7`),
			ofBatch+`7: to is "PAUSED", but by the batch status is another`),
		"observed backwards": one(replaceIn(atReopened, `"after":"2026-08-22T10:`, `"after":"2026-08-22T11:`),
			ofBatch+"4: observed.after is later than observed.until"),
		// A batch that was never seen is {}.
		"an object without anything": {replaceIn(atReopened,
			`"batch":{"batch_id":"20260822.9","status":"ACTIVE"}`, `"batch":{}`), nil},
	}
	for _, field := range []string{"batch_id", "campaign_id", "revision", "observed", "batch"} {
		faults["without "+field] = one(replaceIn(atActive, `"`+field+`":`, `"other_`+field+`":`),
			unreadable+field+" is missing")
	}
	testWideFaults(t, faults)
}

func TestBatchRevisions(t *testing.T) {
	t.Parallel()
	testWideFaults(t, map[string]fault{
		"an event lost":  one(drop(atActive), ofBatch+"3: revision 2 is missing before it"),
		"the first lost": one(drop(atDiscovered), ofBatch+"2: revision 1 is missing before it"),
		"reopened lost": {drop(atReopened), []string{
			`"r1" of batch "20260822.9", revision 9: it comes after batch.completed without batch.reopened before it`,
			ofBatch + "5: revision 4 is missing before it",
		}},
		"completed lost": one(drop(atCompleted), ofBatch+"4: revision 3 is missing before it"),
		"sent twice":     one(again(atActive, atActive+1), ofBatch+"2: it comes after revision 2: repeated, or out of order"),
		"sent twice, late": one(again(atCompleted, atPaused),
			ofBatch+"3: it comes after revision 6: repeated, or out of order"),
		"a call's sent twice, after the end": one(again(atFirstCall, atReopened),
			`"r1" of batch "20260822.9", revision 1: it comes after revision 8: repeated, or out of order`),
		// What cannot be read breaks nothing behind it.
		"status unreadable":    one(setData(atActive, "{}"), ofBatch+"2: the data cannot be read"),
		"completed unreadable": one(setData(atCompleted, "{}"), ofBatch+"3: the data cannot be read"),
		"reopened unreadable": {setData(atReopened, "{}"), []string{
			ofBatch + "4: the data cannot be read: batch_id is missing",
		}},
	})
}

// TestBatchLives lets the good stream go on as no batch does.
func TestBatchLives(t *testing.T) {
	t.Parallel()
	reopen := func(s *stream) { s.batchEvent(t, event.BatchReopened, event.Batch{}) }
	updated := func(s *stream) { s.see(t, answered, sight{"COMPLETED", "COMPLETED", "COMPLETED", better}) }
	for name, tt := range map[string]struct {
		steps    func(*stream)
		want     []string
		baseline []string // what is wrong also where batches may be recorded silently
	}{
		"discovered late": {
			func(s *stream) { s.setStatus(t, active); s.discover(t) },
			[]string{ofBatch + "2: it was discovered before"}, []string{ofBatch + "2: it was discovered before"},
		},
		"a status that was never told": {
			func(s *stream) { s.batch.status = p("NEW"); s.setStatus(t, active) },
			[]string{ofBatch + `1: from is "NEW", but the status was null before`}, nil,
		},
		"a status that was never told, of a batch that was discovered": {
			func(s *stream) { s.discover(t); s.batch.status = p("NEW"); s.setStatus(t, active) },
			[]string{ofBatch + `2: from is "NEW", but the status was null before`},
			[]string{ofBatch + `2: from is "NEW", but the status was null before`},
		},
		"a broken chain": {
			func(s *stream) { s.setStatus(t, active); s.batch.status = p("PAUSED"); s.setStatus(t, "EXPIRED") },
			[]string{ofBatch + `2: from is "PAUSED", but the status was "ACTIVE" before`},
			[]string{ofBatch + `2: from is "PAUSED", but the status was "ACTIVE" before`},
		},
		"no other status": {
			func(s *stream) { s.setStatus(t, active); s.setStatus(t, active) },
			[]string{ofBatch + `2: from and to are both "ACTIVE": nothing changed`},
			[]string{ofBatch + `2: from and to are both "ACTIVE": nothing changed`},
		},
		"completed twice": {
			func(s *stream) { s.complete(t); s.complete(t) },
			[]string{ofBatch + "2: it is completed for a second time"},
			[]string{ofBatch + "2: it is completed for a second time"},
		},
		"completed twice, a status between": {
			func(s *stream) { s.complete(t); s.setStatus(t, active); s.complete(t) },
			[]string{ofBatch + "3: it is completed for a second time"},
			[]string{ofBatch + "3: it is completed for a second time"},
		},
		"reopened before it was completed": {
			reopen, []string{ofBatch + "1: it is reopened, but was not completed"},
			[]string{ofBatch + "1: it is reopened, but was not completed"},
		},
		"reopened twice": {
			func(s *stream) { s.complete(t); reopen(s); reopen(s) },
			[]string{ofBatch + "3: it is reopened, but was not completed"},
			[]string{ofBatch + "3: it is reopened, but was not completed"},
		},
		"reopened again after an event": {
			func(s *stream) { s.complete(t); updated(s); reopen(s) },
			[]string{ofBatch + "3: it is reopened, but was not completed"},
			[]string{ofBatch + "3: it is reopened, but was not completed"},
		},
		"reopened for nothing": {
			func(s *stream) { s.complete(t); s.reopen(t); s.complete(t) },
			[]string{ofBatch + "3: it is completed, but no event of a call has come since it was reopened"},
			[]string{ofBatch + "3: it is completed, but no event of a call has come since it was reopened"},
		},
		"a call goes on without it": {
			func(s *stream) { s.complete(t); s.batch.completed = false; updated(s) },
			[]string{`revision 9: it comes after batch.completed without batch.reopened before it`},
			[]string{`revision 9: it comes after batch.completed without batch.reopened before it`},
		},
		"a call is removed without it": {
			func(s *stream) { s.complete(t); s.batch.completed = false; s.remove(t, answered) },
			[]string{`revision 9: it comes after batch.completed without batch.reopened before it`},
			[]string{`revision 9: it comes after batch.completed without batch.reopened before it`},
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

// TestBatchOfTheBaseline checks that a batch that was there, and complete, at the
// very first start may go on from that.
func TestBatchOfTheBaseline(t *testing.T) {
	t.Parallel()
	s := newStream()
	s.baseline("old", sight{"FAILED", "BUSY", "", ""})
	s.baseline("older", sight{"COMPLETED", "COMPLETED", "COMPLETED", better})
	s.batch.status, s.batch.completed = p(active), true
	s.poll()
	s.setStatus(t, "EXPIRED")
	s.see(t, "old", sight{"INITIATED", "BUSY", "", ""}) // reopens it
	s.poll()
	s.see(t, "old", sight{"FAILED", "NO-ANSWER", "", ""})
	s.complete(t)
	expect(t, s.auditor(allowBaseline), nil)
	expect(t, s.auditor(), []string{
		ofBatch + `1: from is "ACTIVE", but the status was null before`,
		ofBatch + "2: it is reopened, but was not completed",
		`call "old" of batch "20260822.9", revision 1: the first event of a call must be of request_status and from null`,
		ofBatch + "3: the manifest has 2 calls, the stream 1",
	})
}
