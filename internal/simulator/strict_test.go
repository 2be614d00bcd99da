package simulator

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The rules of the strict official client, and the documented fields.
var (
	knownStatus = []string{
		"PENDING", "DUPLICATE", "INITIATED", "CONNECTED", "COMPLETED", "FAILED", "CANCELED", "INVALID", "SKIPPED",
	}
	resultFields = []string{
		"attempt_count", "channel_manager_sid", "channel_manager_status", "conversation_id", "created_at",
		"enrichment", "insights", "insights_status", "line_type", "reference_id", "request_status",
		"request_variables", "sent_at", "session_id", "target",
	}
	fictional = regexp.MustCompile(`^\+1[2-9]\d\d55501\d\d$`)
	offset    = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)
)

func TestEveryResultIsStrict(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 200})
	for range 40 {
		for _, raw := range mustSend[[]json.RawMessage](t, s, "GET", api+"/batches/b/results", "") {
			checkStrict(t, raw)
			if t.Failed() {
				t.Fatalf("in %s", raw)
			}
		}
		clk.advance(37 * time.Second)
	}
	runDry(t, s, clk, "b")
}

func checkStrict(t *testing.T, raw json.RawMessage) {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(r)); !slices.Equal(got, resultFields) {
		t.Errorf("fields %v, want %v", got, resultFields)
	}
	if !slices.Contains(knownStatus, r["request_status"].(string)) {
		t.Errorf("unknown request_status %v", r["request_status"])
	}
	for _, f := range []string{"created_at", "sent_at"} {
		if v, ok := r[f].(string); ok && !offset.MatchString(v) || r["created_at"] == nil {
			t.Errorf("%s %v is not RFC 3339 with Z", f, r[f])
		}
	}
	if !fictional.MatchString(r["target"].(string)) {
		t.Errorf("target %v is not from the fictional range", r["target"])
	}
	for k, v := range r["request_variables"].(map[string]any) {
		if _, ok := v.(string); !ok {
			t.Errorf("request_variables[%q] = %v is no string", k, v)
		}
	}
	insights, ok := r["insights"].(map[string]any)
	if ok != (r["insights_status"] == "COMPLETED") {
		t.Errorf("insights %v with insights_status %v", r["insights"], r["insights_status"])
	}
	for k, v := range insights {
		switch v.(type) {
		case string, float64:
		default:
			t.Errorf("insights[%q] = %v is neither string nor number", k, v)
		}
	}
	attempted := r["attempt_count"].(float64) > 0
	if (r["sent_at"] != nil) != attempted || (r["channel_manager_sid"] != nil) != attempted {
		t.Error("sent_at, channel_manager_sid and attempt_count disagree")
	}
}

func TestInsightsAreVaried(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, Campaign{HourlyRate: 3600}, NewBatch{ID: "b", Calls: 2000})
	runDry(t, s, clk, "b")
	summaries, ratings, all := map[string]int{}, map[string]int{}, 0
	var text strings.Builder
	for _, r := range results(t, s, "b") {
		if r.Insights == nil {
			continue
		}
		all++
		summary := r.Insights["summary"].(string)
		if summary == "" || strings.ContainsAny(summary, "{}") {
			t.Errorf("summary %q is empty or has a slot left", summary)
		}
		summaries[summary]++
		ratings[r.Insights["rating"].(string)]++
		text.WriteString(summary)
	}
	if len(summaries) < all*97/100 {
		t.Errorf("%d summaries, only %d of them different", all, len(summaries))
	}
	want := []string{"Bad", "Excellent", "Fair", "Good", "Poor"}
	if !slices.Equal(slices.Sorted(maps.Keys(ratings)), want) {
		t.Errorf("ratings %v, want all of %v", ratings, want)
	}
	for _, want := range []string{"&", "<", ">", "ñ", "ị", `"`, "👍"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no summary has %s", want)
		}
	}
	_, body := send(s, "GET", api+"/batches/b/results", "")
	if strings.Contains(body, `\u00`) {
		t.Error("the body escapes &, < or > as the platform does not")
	}
	if size := len(body) / 2000; size < 600 || size > 900 {
		t.Errorf("%d bytes per result on average, want 600 to 900", size)
	}
}

// Every purpose and answer has phrases in every language.
func TestPhrasesAreComplete(t *testing.T) {
	t.Parallel()
	for language, p := range spoken {
		got, want := slices.Sorted(maps.Keys(p.opening)), slices.Sorted(maps.Keys(inEnglish.opening))
		if !slices.Equal(got, want) {
			t.Errorf("%s: openings for %v, want %v", language, got, want)
		}
		if got, want := slices.Sorted(maps.Keys(p.tone)), slices.Sorted(maps.Keys(inEnglish.tone)); !slices.Equal(got, want) {
			t.Errorf("%s: tones %v, want %v", language, got, want)
		}
		if len(p.detail) == 0 || len(p.callback) == 0 || len(p.voicemail) == 0 || p.layout == "" {
			t.Errorf("%s: phrases are missing", language)
		}
	}
}

func TestExplicitVariablesAreTakenAsTheyCome(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b", Requests: []Request{
		{ReferenceID: "a", Target: "+12065550142"},
		{ReferenceID: "b", Target: "+12065550142", Variables: map[string]string{
			"language": "tlh", "purpose": "sales", "appointment_date": "soon", "clinic": "Here",
		}},
	}})
	runDry(t, s, clk, "b")
	for _, r := range results(t, s, "b") {
		if r.Insights["summary"] == "" || r.Insights["appointment_confirmed"] == nil && r.ReferenceID == "b" {
			t.Errorf("%s: insights %v", r.ReferenceID, r.Insights)
		}
	}
}
