package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

// someOutage makes data of the source's events.
func someOutage() *rapid.Generator[event.Outage] {
	return rapid.Custom(func(t *rapid.T) event.Outage {
		return event.Outage{
			Revision: rapid.Uint64Min(1).Draw(t, "revision"), Since: someTime().Draw(t, "since"),
			Until:       rapid.Ptr(someTime(), true).Draw(t, "until"),
			FailedPolls: rapid.IntRange(1, 1e6).Draw(t, "polls"), Cause: text().Draw(t, "cause"),
		}
	})
}

// TestEncodeOutage spells out the data of the source's events.
func TestEncodeOutage(t *testing.T) {
	t.Parallel()
	abroad := time.FixedZone("", 7200)
	o := outage()
	o.Since, o.Until, o.Cause = o.Since.In(abroad), ptr(o.Until.In(abroad)), "<html> & more"
	recovered, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	o.Revision, o.Until = 3, nil
	unreachable, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"revision":2,"since":"2026-08-22T10:00:15Z","until":"2026-08-22T10:20:00Z",` +
		`"failed_polls":14,"cause":"<html> & more"}` + "\n" +
		`{"revision":3,"since":"2026-08-22T10:00:15Z","failed_polls":14,"cause":"<html> & more"}`
	if d := cmp.Diff(want, string(recovered)+"\n"+string(unreachable)); d != "" {
		t.Errorf("data (-want +got):\n%s", d)
	}
}

func TestOutageRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := someOutage().Draw(t, "outage")
		e := eventOfSource(t, want)
		m := e.Message("acme.calls")
		decoded, err := event.Decode(m.Header, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, decoded); d != "" {
			t.Fatalf("event (-want +got):\n%s", d)
		}
		got, err := decoded.Outage()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("outage (-want +got):\n%s", d)
		}
		if d := cmp.Diff(m, decoded.Message("acme.calls")); d != "" {
			t.Fatalf("message made again (-want +got):\n%s", d)
		}
	})
}

func TestEncodeOutageRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  func(*event.Outage)
		want string
	}{
		"revision 0":         {func(o *event.Outage) { o.Revision = 0 }, "a revision from 1"},
		"cause not UTF-8":    {func(o *event.Outage) { o.Cause = "\xff" }, "not valid UTF-8"},
		"year of six digits": {func(o *event.Outage) { o.Since = time.Unix(1e13, 0) }, "year outside"},
	} {
		o := outage()
		tt.set(&o)
		if data, err := o.Encode(); err == nil {
			t.Errorf("%s: Encode gave %s, want an error", name, data)
		} else if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "event of the source") {
			t.Errorf("%s: error %q, want it to name the source and say %q", name, err, tt.want)
		}
	}
}

func TestOutageRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*event.Event){
		"null":           func(e *event.Event) { e.Data = []byte("null") },
		"cut":            func(e *event.Event) { e.Data = e.Data[:len(e.Data)-1] },
		"other revision": func(e *event.Event) { e.ID.Revision++ },
		"of a batch":     func(e *event.Event) { e.ID.Scope, e.ID.Batch = event.ScopeBatch, "b" },
		"of a call":      func(e *event.Event) { e.ID = event.ID{Store: "s1", Batch: "b", Reference: "r", Revision: 2} },
	} {
		e := eventOfSource(t, outage())
		change(&e)
		if o, err := e.Outage(); err == nil {
			t.Errorf("%s: Outage gave %+v, want an error", name, o)
		} else if !strings.Contains(err.Error(), e.ID.String()) {
			t.Errorf("%s: error %q does not name the event", name, err)
		}
	}
}
