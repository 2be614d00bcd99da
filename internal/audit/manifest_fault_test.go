package audit_test

import (
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

const ofManifest = ofBatch + "5: the manifest"

// TestManifestFaults changes the second manifest of the wide stream: two calls,
// one of which has a rating.
func TestManifestFaults(t *testing.T) {
	t.Parallel()
	counts := func(of func(*event.Manifest) map[string]int, word string, more int) func(*event.Manifest) {
		return func(m *event.Manifest) { of(m)[word] += more }
	}
	request := func(m *event.Manifest) map[string]int { return m.RequestStatus }
	channel := func(m *event.Manifest) map[string]int { return m.ChannelStatus }
	insights := func(m *event.Manifest) map[string]int { return m.InsightsStatus }
	ratings := func(m *event.Manifest) map[string]int { return m.Rating }
	moved := func(of func(*event.Manifest) map[string]int, from, to string) func(*event.Manifest) {
		return func(m *event.Manifest) { of(m)[from]--; of(m)[to]++ }
	}
	for name, tt := range map[string]struct {
		change   func(*event.Manifest)
		want     string
		baseline bool // it can also be known where calls may have been recorded silently
	}{
		"a call too few":   {func(m *event.Manifest) { m.Calls-- }, " has 1 calls, the stream 2", true},
		"a call too many":  {func(m *event.Manifest) { m.Calls++ }, " has 3 calls, the stream 2", false},
		"an event too few": {func(m *event.Manifest) { m.Events-- }, " has 13 events, the stream 14", true},
		"one too many":     {func(m *event.Manifest) { m.Events++ }, " has 15 events, the stream 14", true},
		"another first": {
			func(m *event.Manifest) { m.First = at(m.First.Add(-time.Second)) }, "'s first and last are not", true,
		},
		"another last": {
			func(m *event.Manifest) { m.Last = at(m.Last.Add(time.Second)) }, "'s first and last are not", true,
		},
		"no first":        {func(m *event.Manifest) { m.First = nil }, "'s first and last are not", true},
		"no last":         {func(m *event.Manifest) { m.Last = nil }, "'s first and last are not", true},
		"request twice":   {counts(request, "FAILED", 1), " counts 3 calls by request_status, but has 2", true},
		"channel twice":   {counts(channel, "BUSY", 1), " counts 3 calls by channel_manager_status, but has 2", true},
		"insights twice":  {counts(insights, "null", 1), " counts 3 calls by insights_status, but has 2", true},
		"request missing": {counts(request, "FAILED", -1), " counts 1 calls by request_status, but has 2", true},
		"another request": {
			moved(request, "FAILED", "COMPLETED"),
			`'s counts by request_status are not those of the stream: 0 of "FAILED", want 1`,
			true,
		},
		"another channel": {
			moved(channel, "BUSY", "null"), `'s counts by channel_manager_status are not those of the stream: 0 of "BUSY"`,
			true,
		},
		"other insights": {
			moved(insights, "COMPLETED", "FAILED"), `'s counts by insights_status are not those of the stream: 0 of "COMPLETED"`,
			true,
		},
		"null insights": {
			moved(insights, "null", "FAILED"), `'s counts by insights_status are not those of the stream: 0 of "null"`, true,
		},
		"another rating": {
			moved(ratings, "Great", "Bad"), `'s counts by rating are not those of the stream: 0 of "Great", want 1`, true,
		},
		"no rating": {
			counts(ratings, "Great", -1), `'s counts by rating are not those of the stream: 0 of "Great"`, true,
		},
		"a rating more": {
			counts(ratings, "Bad", 1), `'s counts by rating are not those of the stream: 2 calls have one, want 1`, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wideStream(t)
			editBatch(atCompleted2, event.BatchCompleted, func(b *event.Batch) { tt.change(b.Manifest) })(t, s)
			expect(t, s.auditor(), []string{ofManifest + tt.want})
			var want []string
			if tt.baseline {
				want = []string{ofManifest + tt.want}
			}
			// More calls than are known are no fault then, but these are counted nowhere.
			if name == "a call too many" {
				want = []string{
					ofManifest + " counts 2 calls by request_status, but has 3",
					ofManifest + " counts 2 calls by channel_manager_status, but has 3",
					ofManifest + " counts 2 calls by insights_status, but has 3",
				}
			}
			expect(t, s.auditor(allowBaseline), want)
		})
	}
	testWideFaults(t, map[string]fault{
		"no manifest": one(editBatch(atCompleted2, event.BatchCompleted, func(b *event.Batch) { b.Manifest = nil }),
			ofBatch+"5: it has no manifest"),
	})
}

func at(t time.Time) *time.Time { return &t }

// TestManifestOfTheBaseline checks that a manifest may count calls of which the
// stream does not tell, where these may have been recorded silently.
func TestManifestOfTheBaseline(t *testing.T) {
	t.Parallel()
	s := newStream()
	s.baseline("quiet", sight{"COMPLETED", "COMPLETED", "COMPLETED", better})
	s.baseline("partly", sight{"FAILED", "QUEUED", "", ""})
	s.poll()
	s.see(t, "partly", sight{"FAILED", "BUSY", "", ""}) // of its request nothing is told
	s.see(t, "new", sight{"COMPLETED", "COMPLETED", "COMPLETED", numbered})
	s.poll()
	s.complete(t)
	end := len(s.messages) - 1
	expect(t, s.auditor(allowBaseline), nil)
	for name, tt := range map[string]struct {
		change func(*event.Manifest)
		want   string
	}{
		"less than is known": {
			func(m *event.Manifest) { m.ChannelStatus["BUSY"]--; m.ChannelStatus["COMPLETED"]++ },
			`counts by channel_manager_status are not those of the stream: 0 of "BUSY", want 1`,
		},
		"less calls": {func(m *event.Manifest) { m.Calls = 1 }, "the manifest has 1 calls, the stream 2"},
		"more ratings than calls": {
			func(m *event.Manifest) { m.Rating["Bad"] = 2 },
			"counts by rating are not those of the stream: 4 calls have one, want 1",
		},
		"less of a rating that is a number": {
			func(m *event.Manifest) { delete(m.Rating, "4.5") },
			`counts by rating are not those of the stream: 0 of "4.5", want 1`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := &stream{messages: append([]event.Message(nil), s.messages...)}
			editBatch(end, event.BatchCompleted, func(b *event.Batch) { tt.change(b.Manifest) })(t, broken)
			expect(t, broken.auditor(allowBaseline), []string{tt.want})
		})
	}
}

// TestManifestAfterLoss checks that what is missing in the stream is one problem,
// and that the manifest is still compared with what is known.
func TestManifestAfterLoss(t *testing.T) {
	t.Parallel()
	const r1, r2 = `"r1" of batch "20260822.9", revision `, `"r.2" of batch "20260822.9", revision `
	wrong := editBatch(atCompleted, event.BatchCompleted, func(b *event.Batch) {
		b.Manifest.RequestStatus["COMPLETED"]--
		b.Manifest.RequestStatus["FAILED"]++
	})
	testWideFaults(t, map[string]fault{
		"the newest of a call": {drop(12), []string{ // which shows for the first time in the manifest
			ofBatch + "3: the manifest has 13 events, the stream 12",
			ofBatch + "5: the manifest has 14 events, the stream 13",
			r2 + "6: revision 5 is missing before it",
		}},
		"one in the middle":         one(drop(8), r1+"5: revision 4 is missing before it"),
		"the first of all":          one(drop(2), r1+"2: revision 1 is missing before it"),
		"the newest cannot be read": one(setData(12, "x"), r2+"5: the data cannot be read"),
		"one of r1 cannot be read":  one(setData(8, "x"), r1+"4: the data cannot be read"),
		"field unknown": one(replaceIn(12, `"field":"channel_manager_status"`, `"field":"x"`),
			r2+`5: the field "x"`),
		"swapped": {swap(11, 12), []string{
			r2 + "5: revision 4 is missing", r2 + "4: it comes after revision 5",
		}},
		"repeated": one(again(12, 13), r2+"5: it comes after revision 5"),
		"of r.2, and r1 wrong": {both(setData(12, "x"), wrong), []string{
			r2 + "5: the data cannot be read",
			ofBatch + `3: the manifest's counts by request_status are not those of the stream: 0 of "COMPLETED", want 1`,
		}},
	})
}

// TestManifestIsOfItsBatch checks that the calls of other batches do not count.
func TestManifestIsOfItsBatch(t *testing.T) {
	t.Parallel()
	s := wideStream(t)
	other := newStream()
	other.poll()
	other.see(t, "r3", sight{"PENDING", "", "", ""})
	c := other.messages[0]
	edit(0, func(c *event.Call) { c.BatchID = "20260822.8" })(t, other)
	if c.Subject == other.messages[0].Subject {
		t.Fatal("it is of the same batch")
	}
	s.messages = append(other.messages, s.messages...)
	a := s.auditor()
	a.Compare(append(wideLives(), audit.Life{Batch: "20260822.8", Reference: "r3", Fields: map[event.Field][]*string{
		event.FieldRequestStatus: chain("PENDING"),
	}}))
	expect(t, a, nil)
}
