package event_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

func TestID(t *testing.T) {
	t.Parallel()
	for want, id := range map[string]event.ID{
		"s1.20260822%2E9.12345.3": {Store: "s1", Batch: "20260822.9", Reference: "12345", Revision: 3},
		"s1.b.a%2Eb%7E.1":         {Store: "s1", Batch: "b", Reference: "a.b~", Revision: 1},
		"s1.b.%FF.18446744073709551615": {
			Store: "s1", Batch: "b", Reference: "\xff", Revision: 18446744073709551615,
		},
	} {
		if got := id.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
		if got, err := event.ParseID(want); err != nil || got != id {
			t.Errorf("ParseID(%q) = %+v, %v", want, got, err)
		}
	}
}

func TestIDRoundTrip(t *testing.T) {
	t.Parallel()
	nonEmpty := anyBytes().Filter(func(s string) bool { return s != "" })
	rapid.Check(t, func(t *rapid.T) {
		id := event.ID{
			Store:     rapid.StringMatching(`[A-Za-z0-9_-]+`).Draw(t, "store"),
			Batch:     nonEmpty.Draw(t, "batch"),
			Reference: nonEmpty.Draw(t, "reference"),
			Revision:  rapid.Uint64Min(1).Draw(t, "revision"),
		}
		s := id.String()
		if strings.ContainsAny(s, "~ \r\n") {
			t.Fatalf("id %q holds what ids do not", s)
		}
		if got, err := event.ParseID(s); err != nil || got != id {
			t.Fatalf("ParseID(%q) = %+v, %v, want %+v", s, got, err, id)
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "...", "s1.b.r", "s1.b.r.1.2", "s1.20260822.9.12345.3",
		".b.r.1", "s1..r.1", "s1.b..1", "s1.b.r.",
		"s%31.b.r.1", "s 1.b.r.1", "é.b.r.1",
		"s1.b.r.0", "s1.b.r.01", "s1.b.r.-1", "s1.b.r.+1", "s1.b.r.1_0", "s1.b.r.0x1", "s1.b.r. 1", "s1.b.r.1 ",
		"s1.b.r.18446744073709551616",
		"s1.~batch.~batch.1", "s1.~source.r.1", "s1.~source.~batch.1", "s1.b.~source.1",
		"s1.%7e.r.1", "s1.b.%41.1", "s1.b.%2.1",
	} {
		if got, err := event.ParseID(s); err == nil {
			t.Errorf("ParseID(%q) = %+v, want an error", s, got)
		} else if s != "" && !strings.Contains(err.Error(), "event id") {
			t.Errorf("ParseID(%q): %v does not say that an event id is wrong", s, err)
		}
	}
	like := rapid.StringMatching(`[a-z0-9%.]*\.[a-z~]*\.(%[0-9A-Fa-f]{2}|a)*\.[+0-9]{1,21}`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(anyBytes(), like).Draw(t, "s")
		if got, err := event.ParseID(s); err == nil && got.String() != s {
			t.Fatalf("ParseID(%q) = %+v, which String writes as %q", s, got, got)
		}
	})
}

// TestScopes checks that the ids of batches and of the source cannot be taken
// for those of calls, whatever calls and batches are called.
func TestScopes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]event.ID{
		"s1.20260822%2E9.~batch.2": {Store: "s1", Scope: event.ScopeBatch, Batch: "20260822.9", Revision: 2},
		"s1.~source.~source.3":     {Store: "s1", Scope: event.ScopeSource, Revision: 3},
		"s1.b.%7Ebatch.1":          {Store: "s1", Batch: "b", Reference: "~batch", Revision: 1},
		"s1.%7Esource.%7Esource.1": {Store: "s1", Batch: "~source", Reference: "~source", Revision: 1},
		"s1.%7Esource.~batch.1":    {Store: "s1", Scope: event.ScopeBatch, Batch: "~source", Revision: 1},
	} {
		got, err := event.ParseID(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("ParseID(%q) = %+v (%s), %v, want %+v", s, got, got, err, want)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{
		"s1.20260822%2E9.12345.3", "s1.b.%FF.1", "s1.b.~batch.1", "s1.~source.~source.1", "s1.b.r.01", "s1.%.r.1",
		"....", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := event.ParseID(s); err == nil && got.String() != s {
			t.Errorf("ParseID(%q) = %+v, which String writes as %q", s, got, got)
		}
	})
}
