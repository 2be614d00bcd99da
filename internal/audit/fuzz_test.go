package audit_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

// FuzzAdd checks that no message makes the auditor panic, and that a message
// it finds no fault in can be read by subscribers and is the same when they
// write it again.
func FuzzAdd(f *testing.F) {
	first := sight{"PENDING", "", "", ""}
	s := newStream()
	s.poll()
	s.see(f, "r.1", first)
	m := s.messages[0]
	h := func(name string) string { return m.Header[name][0] }
	f.Add(m.Subject, h("ce-id"), h("ce-type"), h("ce-source"), h("ce-subject"), h("ce-time"), m.Data)
	f.Add(m.Subject, "s1.~batch.~batch.1", h("ce-type"), h("ce-source"), "~batch", h("ce-time"), []byte(`{}`))
	s.batchEvent(f, event.BatchDiscovered, event.Batch{})
	s.outage(f)
	for _, m := range s.messages[1:] {
		h := func(name string) string { return m.Header[name][0] }
		f.Add(m.Subject, h("ce-id"), h("ce-type"), h("ce-source"), "", h("ce-time"), m.Data)
	}
	f.Add("", "", "", "", "", "", []byte(`{"observed":null,"result":null}`))
	f.Fuzz(func(t *testing.T, subject, id, typ, source, ref, at string, data []byte) {
		header := map[string][]string{
			"ce-specversion": {"1.0"}, "ce-id": {id}, "ce-type": {typ}, "ce-source": {source}, "ce-subject": {ref},
			"ce-time": {at}, "ce-sequence": {"0000000001"}, "ce-dataschema": {event.SchemaCall},
			"Content-Type": {"application/json"}, "Nats-Msg-Id": {id},
		}
		if parsed, err := event.ParseID(id); err == nil && parsed.Scope != event.ScopeCall && ref == "" {
			header["ce-dataschema"] = []string{map[event.Scope]string{
				event.ScopeBatch: event.SchemaBatch, event.ScopeSource: event.SchemaSource,
			}[parsed.Scope]}
			delete(header, "ce-subject")
		}
		a := audit.New(prefix)
		a.Add(subject, header, data)
		faults := a.Report().ProblemCount
		a.Add(subject, header, data)
		a.Compare(nil)
		held := audit.NewHeld(prefix, "s7k2m4p9x1qa", batch)
		held.HoldBatch(audit.Batch{Revision: 1})
		held.Hold("r.1", audit.Call{Revision: 3})
		held.AddAt(1, true, subject, header, data)
		held.AddAt(2, false, subject, header, data)
		if v := held.Settle(audit.End{First: 1}); v.Events != 4 || v.Found+v.Missing != 4 {
			t.Errorf("of 4 events %d are found and %d missing", v.Found, v.Missing)
		}
		if faults > 0 {
			return
		}
		e, err := event.Decode(header, data)
		if err == nil {
			err = readable(e)
		}
		if err != nil {
			t.Fatalf("no fault was found in what cannot be decoded: %v", err)
		}
		if d := cmp.Diff(e.Message(prefix), event.Message{Subject: subject, Header: header, Data: data}); d != "" {
			t.Errorf("no fault was found, but a subscriber writes it otherwise (-subscriber +message):\n%s", d)
		}
	})
}

// readable says whether a subscriber can read the data.
func readable(e event.Event) (err error) {
	switch e.ID.Scope {
	case event.ScopeBatch:
		_, err = e.Batch()
	case event.ScopeSource:
		_, err = e.Outage()
	case event.ScopeCall:
		_, err = e.Call()
	}
	return err
}

// BenchmarkAdd reads the events of a thousand calls.
func BenchmarkAdd(b *testing.B) {
	s := newStream()
	s.poll()
	for i := range 1000 {
		s.see(b, strconv.Itoa(i), sight{"COMPLETED", "COMPLETED", "COMPLETED", good})
	}
	b.ReportAllocs()
	for b.Loop() {
		if r := s.auditor().Report(); r.ProblemCount > 0 || r.Events != 3000 {
			b.Fatalf("%d events, problems %q", r.Events, r.Problems)
		}
	}
}
