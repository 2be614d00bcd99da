package audit_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

func TestCompareFaults(t *testing.T) {
	t.Parallel()
	const r1, r2 = `call "r1" of batch "20260822.9"`, `call "r.2" of batch "20260822.9"`
	had := func(i int, f event.Field, values ...string) func(*[]audit.Life) {
		return func(l *[]audit.Life) { (*l)[i].Fields[f] = chain(values...) }
	}
	for name, tt := range map[string]struct {
		change func(*[]audit.Life)
		want   []string
	}{
		"nothing": {func(*[]audit.Life) {}, nil},
		"never so": {
			had(0, event.FieldRequestStatus, "PENDING", "CONNECTED", "COMPLETED"),
			[]string{r1 + `, revision 2: request_status was really never "INITIATED" at that point; ` +
				`it was "PENDING", "CONNECTED", "COMPLETED"`},
		},
		"in another order": {
			had(0, event.FieldChannelStatus, "", "COMPLETED", "QUEUED"),
			[]string{r1 + `, revision 5: channel_manager_status was really never "COMPLETED" at that point; ` +
				`it was null, "COMPLETED", "QUEUED"`},
		},
		"went on unseen": {
			had(0, event.FieldRequestStatus, "PENDING", "INITIATED", "COMPLETED", "FAILED"),
			[]string{r1 + `: request_status ends as "COMPLETED" by its events, ` +
				`but really it was "PENDING", "INITIATED", "COMPLETED", "FAILED"`},
		},
		"a field without an event that moved": {
			had(1, event.FieldInsightsStatus, "", "PENDING"),
			[]string{r2 + `: insights_status ends as null by its events, but really it was null, "PENDING"`},
		},
		"a field that came and went": {had(1, event.FieldInsightsStatus, "", "PENDING", ""), nil},
		"content went on unseen": {
			had(0, event.FieldInsights, "", fingerprintOf(good), fingerprintOf(better), fingerprintOf(good), "x"),
			[]string{r1 + ": insights ends as"},
		},
		"content without an event that moved": {
			had(1, event.FieldInsights, "", fingerprintOf(good)), []string{r2 + ": insights ends as null by its events"},
		},
		"a field that is not known": {func(l *[]audit.Life) { delete((*l)[0].Fields, event.FieldRequestStatus) }, nil},
		"a field that never was": {
			had(0, event.FieldInsightsStatus),
			[]string{r1 + `, revision 6: insights_status was really never "COMPLETED" at that point; it was nothing`},
		},
		"a field that never was, and has no event": {had(1, event.FieldInsightsStatus), nil},
		"a call without an event": {
			func(l *[]audit.Life) {
				*l = append(*l, audit.Life{Batch: batch, Reference: "r3", Fields: map[event.Field][]*string{
					event.FieldRequestStatus: chain("PENDING"),
				}})
			},
			[]string{`call "r3" of batch "20260822.9": it really existed, but has no event`},
		},
		"a life that has not begun": {
			func(l *[]audit.Life) { *l = append(*l, audit.Life{Batch: batch, Reference: "r3"}) }, nil,
		},
		"a life that has not begun, and has events": {
			func(l *[]audit.Life) { (*l)[1].Fields = nil }, []string{r2 + ": it has events, but never existed"},
		},
		"a call that never existed": {
			func(l *[]audit.Life) { *l = (*l)[:1] }, []string{r2 + ": it has events, but never existed"},
		},
		"the same reference in another batch": {
			func(l *[]audit.Life) { (*l)[1].Batch = "other" },
			[]string{
				`call "r.2" of batch "other": it really existed, but has no event`,
				r2 + ": it has events, but never existed",
			},
		},
		"a second life": {
			func(l *[]audit.Life) {
				(*l)[0].Fields[event.FieldRequestStatus] = chain("PENDING", "INITIATED")
				*l = append(*l, audit.Life{Batch: batch, Reference: "r1", Fields: map[event.Field][]*string{
					event.FieldRequestStatus: chain("PENDING", "COMPLETED"),
				}})
			},
			nil,
		},
		"a long life is cut": {
			had(0, event.FieldRequestStatus, "1", "2", "3", "4", "5", "6", "7", "8", "9"),
			[]string{`it was … "2", "3", "4", "5", "6", "7", "8", "9"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lives := goodLives()
			tt.change(&lives)
			a := goodStream(t).auditor()
			a.Compare(lives)
			expect(t, a, tt.want)
		})
	}
}

// TestCompareAfterLoss checks that a lost event is one problem, and does not
// become a second one because its value is not known.
func TestCompareAfterLoss(t *testing.T) {
	t.Parallel()
	s := goodStream(t)
	s.messages = append(s.messages[:9:9], s.messages[10:]...) // request.failed of r.2
	a := s.auditor()
	a.Compare(goodLives())
	expect(t, a, []string{`"r.2" of batch "20260822.9", revision 5: revision 4 is missing before it`})
}

// TestCompareSilentPast checks that the "from" of a call that was recorded
// silently must have been so as well.
func TestCompareSilentPast(t *testing.T) {
	t.Parallel()
	s := newStream()
	s.baseline("r", sight{request: "INITIATED"})
	s.poll()
	s.see(t, "r", sight{request: "FAILED"})
	a := s.auditor(allowBaseline)
	a.Compare([]audit.Life{{Batch: batch, Reference: "r", Fields: map[event.Field][]*string{
		event.FieldRequestStatus: chain("PENDING", "FAILED"),
	}}})
	expect(t, a, []string{`revision 1: request_status was really never "INITIATED" at that point`})
}

// TestCompareIsSubsequence checks Compare on random chains and lives against
// a slow but plain search of all ways to leave values out.
func TestCompareIsSubsequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SliceOfN(rapid.SampledFrom([]string{"A", "B", "C"}), 1, 6)
		told, had := letters.Draw(t, "told"), letters.Draw(t, "had")
		s := newStream()
		for _, value := range told {
			s.poll()
			s.see(t, "r", sight{request: value})
		}
		a := s.auditor()
		a.Compare([]audit.Life{{Batch: batch, Reference: "r", Fields: map[event.Field][]*string{
			event.FieldRequestStatus: chain(had...),
		}}})
		var changes []string // without those that no poll can tell
		for i, value := range told {
			if i == 0 || value != told[i-1] {
				changes = append(changes, value)
			}
		}
		want := oneOfAllParts(changes, had) && told[len(told)-1] == had[len(had)-1]
		if r := a.Report(); (r.ProblemCount == 0) != want || r.ProblemCount > 1 {
			t.Fatalf("told %v, really %v: problems %q", told, had, r.Problems)
		}
	})
}

// oneOfAllParts says whether leaving values out of had can give part.
func oneOfAllParts(part, had []string) bool {
	for mask := range 1 << len(had) {
		var kept []string
		for i, value := range had {
			if mask>>i&1 == 1 {
				kept = append(kept, value)
			}
		}
		if len(kept) == len(part) {
			equal := true
			for i := range kept {
				equal = equal && kept[i] == part[i]
			}
			if equal {
				return true
			}
		}
	}
	return false
}
