package audit_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
)

// A fault is one way to break a stream, and the problems that must be found
// then, exactly these, each given by a part of its sentence.
type fault struct {
	change change
	want   []string
}

type change func(*testing.T, *stream)

func one(c change, want string) fault { return fault{c, []string{want}} }

// testFaults breaks the good stream in one way at a time, testWideFaults the wide
// one.
func testFaults(t *testing.T, faults map[string]fault) {
	t.Helper()
	testFaultsOf(t, goodStream, faults)
}

func testWideFaults(t *testing.T, faults map[string]fault) {
	t.Helper()
	testFaultsOf(t, wideStream, faults)
}

func testFaultsOf(t *testing.T, good func(*testing.T) *stream, faults map[string]fault) {
	t.Helper()
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good(t)
			f.change(t, s)
			expect(t, s.auditor(), f.want)
		})
	}
}

func expect(t *testing.T, a *audit.Auditor, want []string) {
	t.Helper()
	r := a.Report()
	if r.ProblemCount != len(want) {
		t.Errorf("%d problems %q, want %d", r.ProblemCount, r.Problems, len(want))
		return
	}
	for i, p := range r.Problems {
		if !strings.Contains(p, want[i]) {
			t.Errorf("problem %q, want it to say %q", p, want[i])
		}
		if strings.Contains(p, "555") {
			t.Errorf("problem %q tells the number", p)
		}
	}
}

// set gives a header of a message another value, "" takes it away.
func set(i int, header, value string) change {
	return func(_ *testing.T, s *stream) {
		if value == "" {
			delete(s.messages[i].Header, header)
		} else {
			s.messages[i].Header[header] = []string{value}
		}
	}
}

// setID gives a message another id, in both places.
func setID(i int, id string) change {
	return both(set(i, "ce-id", id), set(i, "Nats-Msg-Id", id))
}

func setSubject(i int, subject string) change {
	return func(_ *testing.T, s *stream) { s.messages[i].Subject = subject }
}

func setData(i int, data string) change {
	return func(_ *testing.T, s *stream) { s.messages[i].Data = []byte(data) }
}

// edit changes the data of a message, and makes name and headers of it anew.
func edit(i int, with func(*event.Call)) change {
	return func(t *testing.T, s *stream) {
		t.Helper()
		var c event.Call
		if err := json.Unmarshal(s.messages[i].Data, &c); err != nil {
			t.Fatal(err)
		}
		with(&c)
		name := event.InsightsUpdated
		switch c.Field {
		case event.FieldRequestStatus:
			name = event.Name(event.KindRequest, c.To)
		case event.FieldChannelStatus:
			name = event.Name(event.KindChannel, c.To)
		case event.FieldInsightsStatus:
			name = event.Name(event.KindInsights, c.To)
		case event.FieldPresence:
			name = event.RequestRemoved
		}
		s.messages[i] = message(t, c, name)
	}
}

func editFrom(i int, from *string) change {
	return edit(i, func(c *event.Call) { c.From = from })
}

func drop(i int) change {
	return func(_ *testing.T, s *stream) { s.messages = slices.Delete(s.messages, i, i+1) }
}

func swap(i, j int) change {
	return func(_ *testing.T, s *stream) { s.messages[i], s.messages[j] = s.messages[j], s.messages[i] }
}

// again puts a copy of a message at another place.
func again(i, at int) change {
	return func(_ *testing.T, s *stream) { s.messages = slices.Insert(s.messages, at, s.messages[i]) }
}

func both(first, second change) change {
	return func(t *testing.T, s *stream) {
		t.Helper()
		first(t, s)
		second(t, s)
	}
}
