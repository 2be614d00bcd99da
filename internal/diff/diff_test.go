package diff_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/diff"
)

// v makes values from texts; "" is null.
func v(request, channel, insights, content string) diff.Values {
	return diff.Values{Request: p(request), Channel: p(channel), Insights: p(insights), Content: p(content)}
}

func p(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	const request, channel = event.FieldRequestStatus, event.FieldChannelStatus
	const insights, content = event.FieldInsightsStatus, event.FieldInsights
	held := func(x diff.Values, revision uint64, told bool) *diff.Record {
		return &diff.Record{Values: x, Revision: revision, ContentTold: told}
	}
	tests := map[string]struct {
		held *diff.Record
		seen diff.Values
		want []diff.Change
	}{
		"first sight of an absent status counts as PENDING, from null": {
			nil, v("", "", "", ""),
			[]diff.Change{{"request.pending", request, nil, p("PENDING"), 1}},
		},
		"first sight of a finished call: three events in order, the content within the third": {
			nil, v("COMPLETED", "COMPLETED", "COMPLETED", "aa"),
			[]diff.Change{
				{"request.completed", request, nil, p("COMPLETED"), 1},
				{"channel.completed", channel, nil, p("COMPLETED"), 2},
				{"insights.completed", insights, nil, p("COMPLETED"), 3},
			},
		},
		"nothing changed":               {held(v("FAILED", "BUSY", "", ""), 4, false), v("FAILED", "BUSY", "", ""), nil},
		"absent is the same as PENDING": {held(v("PENDING", "", "", ""), 1, false), v("", "", "", ""), nil},
		"a retry goes backwards and is told": {
			held(v("FAILED", "NO-ANSWER", "", ""), 7, false), v("INITIATED", "QUEUED", "", ""),
			[]diff.Change{
				{"request.initiated", request, p("FAILED"), p("INITIATED"), 8},
				{"channel.queued", channel, p("NO-ANSWER"), p("QUEUED"), 9},
			},
		},
		"a status that becomes null": {
			held(v("FAILED", "", "PENDING", ""), 2, false), v("FAILED", "", "", ""),
			[]diff.Change{{"insights.none", insights, p("PENDING"), nil, 3}},
		},
		"a status never heard of": {
			held(v("PENDING", "", "", ""), 1, false), v("Quarantined (v2)", "", "", ""),
			[]diff.Change{{"request.quarantined_v2", request, p("PENDING"), p("Quarantined (v2)"), 2}},
		},
		"content changed, status did not": {
			held(v("COMPLETED", "", "COMPLETED", "aa"), 3, false), v("COMPLETED", "", "COMPLETED", "bb"),
			[]diff.Change{{"insights.updated", content, p("aa"), p("bb"), 4}},
		},
		"content and status changed: one event": {
			held(v("COMPLETED", "", "PROCESSING", "aa"), 3, false), v("COMPLETED", "", "COMPLETED", "bb"),
			[]diff.Change{{"insights.completed", insights, p("PROCESSING"), p("COMPLETED"), 4}},
		},
		"content and status changed after a fingerprint was told: the chain of fingerprints goes on": {
			held(v("COMPLETED", "", "COMPLETED", "bb"), 4, true), v("COMPLETED", "", "PROCESSING", ""),
			[]diff.Change{
				{"insights.processing", insights, p("COMPLETED"), p("PROCESSING"), 5},
				{"insights.updated", content, p("bb"), nil, 6},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got := diff.Call(tt.held, tt.seen)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
		})
	}
}

// TestChains polls a random life of a call, and checks what the contract says
// of chains and revisions against a model that knows only the last "to" of
// each field.
func TestChains(t *testing.T) {
	t.Parallel()
	status := rapid.Custom(func(t *rapid.T) *string {
		return p(rapid.SampledFrom([]string{"", "PENDING", "INITIATED", "FAILED", "NO-ANSWER", "x y"}).Draw(t, "status"))
	})
	content := rapid.Custom(func(t *rapid.T) *string {
		return p(rapid.SampledFrom([]string{"", "aa", "bb"}).Draw(t, "content"))
	})
	rapid.Check(t, func(t *rapid.T) {
		var held *diff.Record
		if rapid.Bool().Draw(t, "baseline") {
			r := diff.Baseline(diff.Values{Request: status.Draw(t, "r")})
			held = &r
		}
		last := map[event.Field]*string{}
		told := map[event.Field]bool{}
		var revision uint64
		for range rapid.IntRange(1, 12).Draw(t, "polls") {
			seen := diff.Values{
				Request: status.Draw(t, "request"), Channel: status.Draw(t, "channel"),
				Insights: status.Draw(t, "insights"), Content: content.Draw(t, "content"),
			}
			now, changes := diff.Call(held, seen)
			for _, c := range changes {
				revision++
				if c.Revision != revision {
					t.Fatalf("revision %d, want %d", c.Revision, revision)
				}
				if cmp.Equal(c.From, c.To) {
					t.Fatalf("%s: from and to are the same", c.Name)
				}
				if told[c.Field] && !cmp.Equal(c.From, last[c.Field]) {
					t.Fatalf("%s: from is not the to before it", c.Name)
				}
				last[c.Field], told[c.Field] = c.To, true
			}
			if now.Revision != revision {
				t.Fatalf("record at revision %d, want %d", now.Revision, revision)
			}
			if _, again := diff.Call(&now, seen); len(again) > 0 {
				t.Fatalf("the same sight twice gave %v", again)
			}
			held = &now
		}
	})
}
