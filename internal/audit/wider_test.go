package audit_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/diff"
)

// batchEvent appends an event of the batch itself.
func (s *stream) batchEvent(t *testing.T, name string, b event.Batch) {
	t.Helper()
	campaign := int64(1)
	b.BatchID, b.CampaignID, b.Batch = batch, &campaign, json.RawMessage(`{"batch_id":"20260822.9"}`)
	b.Observed = event.Observed{Until: s.time()}
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.messages = append(s.messages, event.Event{
		ID:   event.ID{Store: "s7k2m4p9x1qa", Scope: event.ScopeBatch, Batch: batch, Revision: b.Revision},
		Name: name, Source: event.Source("https://api.syllable.cloud", batch), CampaignID: &campaign,
		Time: s.time(), Data: data,
	}.Message(prefix))
}

func (s *stream) sourceEvent(t *testing.T, name string, o event.Outage) {
	t.Helper()
	data, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	at := s.time()
	if o.Until != nil {
		at = *o.Until
	}
	s.messages = append(s.messages, event.Event{
		ID:   event.ID{Store: "s7k2m4p9x1qa", Scope: event.ScopeSource, Revision: o.Revision},
		Name: name, Source: event.Source("https://api.syllable.cloud", ""), Time: at, Data: data,
	}.Message(prefix))
}

func (s *stream) remove(t *testing.T, reference string) {
	t.Helper()
	record, ch := diff.Removal(*s.held[reference])
	s.held[reference] = &record
	campaign := int64(1)
	s.messages = append(s.messages, message(t, event.Call{
		BatchID: batch, CampaignID: &campaign, ReferenceID: reference, Field: ch.Field, From: ch.From, To: ch.To,
		Revision: ch.Revision, Observed: event.Observed{Until: s.time()},
		Result: json.RawMessage(`{"reference_id":"` + reference + `"}`),
	}, ch.Name))
}

// manifest is that of the good stream.
func (s *stream) manifest() *event.Manifest {
	first, last := time.Date(2026, 8, 22, 10, 0, 15, 0, time.UTC), s.time()
	return &event.Manifest{
		Calls: 2, RequestStatus: map[string]int{"COMPLETED": 1, "FAILED": 1},
		ChannelStatus:  map[string]int{"COMPLETED": 1, "BUSY": 1},
		InsightsStatus: map[string]int{"COMPLETED": 1, "null": 1}, Rating: map[string]int{"Good": 1},
		Events: 13, First: &first, Last: &last,
	}
}

// wider is one thing that is appended to the good stream.
type wider func(*testing.T, *stream)

func discovered(t *testing.T, s *stream) {
	t.Helper()
	s.batchEvent(t, event.BatchDiscovered, event.Batch{Revision: 1})
}

func status(revision uint64, from, to string) wider {
	return func(t *testing.T, s *stream) {
		t.Helper()
		s.batchEvent(t, event.Name(event.KindBatch, p(to)),
			event.Batch{Field: event.FieldStatus, From: p(from), To: p(to), Revision: revision})
	}
}

func completed(revision uint64, change func(*event.Manifest)) wider {
	return func(t *testing.T, s *stream) {
		t.Helper()
		m := s.manifest()
		if change != nil {
			change(m)
		}
		s.batchEvent(t, event.BatchCompleted, event.Batch{Revision: revision, Manifest: m})
	}
}

func reopened(revision uint64) wider {
	return func(t *testing.T, s *stream) {
		t.Helper()
		s.batchEvent(t, event.BatchReopened, event.Batch{Revision: revision})
	}
}

func revised(t *testing.T, s *stream) {
	t.Helper()
	s.poll()
	s.see(t, answered, sight{"COMPLETED", "COMPLETED", "COMPLETED", better})
}

var since = time.Date(2026, 8, 22, 9, 0, 0, 0, time.UTC)

func unreachable(revision uint64) wider {
	return func(t *testing.T, s *stream) {
		t.Helper()
		s.sourceEvent(t, event.SourceUnreachable, event.Outage{
			Revision: revision, Since: since, FailedPolls: 3, Cause: "x",
		})
	}
}

func recovered(revision uint64, since time.Time) wider {
	return func(t *testing.T, s *stream) {
		t.Helper()
		until := s.time()
		s.sourceEvent(t, event.SourceRecovered,
			event.Outage{Revision: revision, Since: since, FailedPolls: 4, Cause: "x", Until: &until})
	}
}

func TestBatchesAndTheSource(t *testing.T) {
	t.Parallel()
	last := func(m change) wider { return wider(m) }
	for name, tt := range map[string]struct {
		steps []wider
		want  []string
	}{
		"all of it": {[]wider{
			discovered, status(2, "", "ACTIVE"), status(3, "ACTIVE", "PAUSED"), completed(4, nil), reopened(5), revised,
			completed(6, func(m *event.Manifest) { m.Events, m.Rating = 14, map[string]int{"Great": 1} }),
			unreachable(1), recovered(2, since), unreachable(3),
		}, nil},
		"a gap": {
			[]wider{discovered, status(3, "", "ACTIVE")},
			[]string{"it comes after revision 1"},
		},
		"a repeat": {[]wider{discovered, discovered}, []string{"it comes after revision 1"}},
		"discovered late": {
			[]wider{status(1, "", "ACTIVE"), func(t *testing.T, s *stream) {
				t.Helper()
				s.batchEvent(t, event.BatchDiscovered, event.Batch{Revision: 2})
			}},
			[]string{"discovered before"},
		},
		"a broken chain": {
			[]wider{status(1, "", "ACTIVE"), status(2, "PAUSED", "EXPIRED")},
			[]string{`from is "PAUSED", but the status was "ACTIVE"`},
		},
		"a chain not from null": {[]wider{status(1, "ACTIVE", "PAUSED")}, []string{`but the status was null`}},
		"nothing changed": {
			[]wider{status(1, "", "ACTIVE"), status(2, "ACTIVE", "ACTIVE")},
			[]string{"nothing changed"},
		},
		"completed twice":  {[]wider{completed(1, nil), completed(2, nil)}, []string{"for a second time"}},
		"reopened at once": {[]wider{reopened(1)}, []string{"was not completed"}},
		"a call after it": {
			[]wider{completed(1, nil), revised},
			[]string{"it comes after batch.completed without batch.reopened"},
		},
		"no manifest": {
			[]wider{func(t *testing.T, s *stream) {
				t.Helper()
				s.batchEvent(t, event.BatchCompleted, event.Batch{Revision: 1})
			}},
			[]string{"no manifest"},
		},
		"a call too many": {
			[]wider{completed(1, func(m *event.Manifest) { m.Calls++ })},
			[]string{"3 calls, the stream 2"},
		},
		"an event too few": {
			[]wider{completed(1, func(m *event.Manifest) { m.Events-- })},
			[]string{"12 events, the stream 13"},
		},
		"another last": {
			[]wider{completed(1, func(m *event.Manifest) { m.Last = nil })},
			[]string{"first and last"},
		},
		"a wrong count": {
			[]wider{completed(1, func(m *event.Manifest) { m.RequestStatus["FAILED"]++ })},
			[]string{"by request_status"},
		},
		"a wrong channel": {
			[]wider{completed(1, func(m *event.Manifest) { m.ChannelStatus = nil })},
			[]string{"by channel_manager_status"},
		},
		"wrong insights": {
			[]wider{completed(1, func(m *event.Manifest) { m.InsightsStatus = nil })},
			[]string{"by insights_status"},
		},
		"a wrong rating": {
			[]wider{completed(1, func(m *event.Manifest) { m.Rating = nil })},
			[]string{"by rating"},
		},
		"no name": {
			[]wider{discovered, last(set(13, "ce-type", "syllable.batch.x"))},
			[]string{"neither is its field status"},
		},
		"unreachable twice": {[]wider{unreachable(1), unreachable(2)}, []string{"for a second time"}},
		"recovered at once": {[]wider{recovered(1, since)}, []string{"was not unreachable"}},
		"recovered of another": {
			[]wider{unreachable(1), recovered(2, since.Add(time.Second))},
			[]string{"was not unreachable since"},
		},
		"a gap of the source": {
			[]wider{unreachable(1), recovered(3, since)},
			[]string{"it comes after revision 1"},
		},
		"an outage without polls": {[]wider{func(t *testing.T, s *stream) {
			t.Helper()
			s.sourceEvent(t, event.SourceUnreachable, event.Outage{Revision: 1, Since: since, Cause: "x"})
		}}, []string{"no failed polls"}},
		"an outage without a word": {
			[]wider{unreachable(1), last(setData(13, `{"revision":1}`))},
			[]string{"cannot be read: since is missing"},
		},
		"a batch without a word": {
			[]wider{discovered, last(setData(13, `{"revision":1}`))},
			[]string{"cannot be read: batch_id is missing"},
		},
		"a subject of a batch": {
			[]wider{discovered, last(set(13, "ce-subject", "12345"))},
			[]string{"header ce-subject is \"12345\", want none"},
		},
		"a header of a batch": {
			[]wider{discovered, last(set(13, "ce-dataschema", event.SchemaCall))},
			[]string{"header ce-dataschema"},
		},
		"another store": {
			[]wider{discovered, last(setID(13, "other.20260822%2E9.~batch.1"))},
			[]string{"another state file"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := goodStream(t)
			for _, step := range tt.steps {
				step(t, s)
			}
			expectSome(t, s.auditor().Report(), tt.want)
		})
	}
}

// expectSome wants each problem, and none where none is wanted; one fault may
// have consequences here.
func expectSome(t *testing.T, r audit.Report, want []string) {
	t.Helper()
	all := strings.Join(r.Problems, "\n")
	if len(want) == 0 && r.ProblemCount > 0 {
		t.Errorf("problems %q", r.Problems)
	}
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("problems %q, want one that says %q", r.Problems, w)
		}
	}
}

func TestRemovedCalls(t *testing.T) {
	t.Parallel()
	removed := func(reference string) wider {
		return func(t *testing.T, s *stream) {
			t.Helper()
			s.poll()
			s.remove(t, reference)
		}
	}
	again := func(t *testing.T, s *stream) {
		t.Helper()
		s.poll()
		s.see(t, unreached, sight{"PENDING", "", "", ""})
	}
	lives := func(gone bool, more ...audit.Life) []audit.Life {
		l := goodLives()
		l[1].Removed = gone
		return append(l, more...)
	}
	second := audit.Life{Batch: batch, Reference: unreached, Fields: map[event.Field][]*string{
		event.FieldRequestStatus: chain("PENDING"), event.FieldChannelStatus: chain(""),
	}}
	for name, tt := range map[string]struct {
		steps []wider
		lives []audit.Life
		want  []string
	}{
		"removed":          {[]wider{removed(unreached)}, lives(true), nil},
		"and listed again": {[]wider{removed(unreached), again}, lives(true, second), nil},
		"invented": {
			[]wider{removed(unreached)},
			lives(false),
			[]string{"by its events it is removed: true, but really: false"},
		},
		"not told": {nil, lives(true), []string{"by its events it is removed: false, but really: true"}},
		"listed again, untold": {
			[]wider{removed(unreached)},
			lives(true, second),
			[]string{"removed: true, but really: false"},
		},
		"a wrong field of it": {
			[]wider{removed(unreached), func(t *testing.T, s *stream) {
				t.Helper()
				edit(13, func(c *event.Call) { c.To = p("GONE") })(t, s)
			}},
			lives(true),
			[]string{`to "GONE"`},
		},
		"complete without it": {[]wider{removed(unreached), completed(1, func(m *event.Manifest) {
			m.Calls, m.Events = 1, 14
			delete(m.RequestStatus, "FAILED")
			delete(m.ChannelStatus, "BUSY")
			delete(m.InsightsStatus, "null")
		})}, lives(true), nil},
		"removed for second time": {
			[]wider{removed(unreached), removed(unreached)},
			lives(true),
			[]string{"was not listed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := goodStream(t)
			for _, step := range tt.steps {
				step(t, s)
			}
			a := s.auditor()
			a.Compare(tt.lives)
			expectSome(t, a.Report(), tt.want)
		})
	}
}
