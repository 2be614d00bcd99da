package slack_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/internal/publish"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

const (
	target         = "+1 512-555-0134"
	targetDigits   = "5125550134"
	canaryVariable = "canaryvariable"
)

// nasty are texts that would act, overflow or hide if something let them.
var nasty = []string{
	"<!channel>", "<@U0123456>", "<#C0123456>", "<https://example.com|click>", "https://example.com",
	"&amp;", "&", "<", ">",
	"```", "*bold*", ":siren:", "@here", "\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad", "\u200d", "\U000e0041",
	"\x00", "\x1b[2J", "\r\n", "\n\n\n\n", "\u2028", "é",
	"e\u0301\u0301\u0301\u0301\u0301\u0301", "👩‍⚕️", "👨‍👩‍👧‍👦", "Ω", "漢字",
	target, "512.555.0134", "(512) 555 0134", "15125550134", "512\u200b555\u200d0134",
}

func texts() *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom(nasty), rapid.String())
	return rapid.Custom(func(t *rapid.T) string {
		s := strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces"), "")
		return strings.Repeat(s, rapid.SampledFrom([]int{1, 1, 1, 5, 50, 400}).Draw(t, "times"))
	})
}

// values are JSON values of every type, mostly texts.
func values() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Map(texts(), func(s string) any { return s }),
		rapid.Map(texts(), func(s string) any { return s }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.SampledFrom([]any{nil, true, 5125550134, []any{target}, map[string]any{"a": target}}),
	)
}

func results() *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		most := rapid.SampledFrom([]int{3, 12, 60}).Draw(t, "keys")
		insights := rapid.MapOfN(texts(), values(), 0, most).Draw(t, "insights")
		for _, key := range []string{"rating", "summary"} {
			if rapid.Bool().Draw(t, "has "+key) {
				insights[key] = values().Draw(t, key)
			}
		}
		result := map[string]any{
			"target": target, "insights": insights,
			"request_variables": map[string]any{"a": canaryVariable, canaryVariable: "b"},
			"session_id":        canaryVariable, "conversation_id": canaryVariable, "channel_manager_sid": canaryVariable,
		}
		for _, key := range []string{"request_status", "channel_manager_status", "attempt_count", "sent_at", "line_type"} {
			if rapid.Bool().Draw(t, "has "+key) {
				result[key] = values().Draw(t, key)
			}
		}
		return result
	})
}

// encoded keeps & < > as they are, as the platform does.
func encoded(t *rapid.T, v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The fake refuses what is over a limit, and a message without blocks is one
// that was refused.
func TestWhateverACallSaysIsShownSafely(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		reference := rapid.OneOf(texts(), rapid.Just("12345")).Draw(t, "reference")
		if reference == "" || !utf8.ValidString(reference) {
			reference = "-"
		}
		m := deliver(t, completed(t, reference, encoded(t, results().Draw(t, "result"))))
		if len(m.Blocks) == 0 {
			t.Fatal("the message was sent as text alone")
		}
		checkMarkup(t, m.Text, false)
		for _, b := range m.Blocks {
			for _, text := range shown(b) {
				checkText(t, text.Text)
				if text.Type == "mrkdwn" {
					checkMarkup(t, text.Text, true)
				}
			}
		}
		checkText(t, m.Text)
		checkPrivate(t, m)
	})
}

// shown are all texts of a block.
func shown(b slackfake.Block) []slackfake.Text {
	all := append(append([]slackfake.Text{}, b.Fields...), b.Elements...)
	if b.Text != nil {
		all = append(all, *b.Text)
	}
	for _, r := range b.Rich {
		for _, s := range r.Elements {
			all = append(all, slackfake.Text{Type: "rich", Text: s.Text})
		}
	}
	return all
}

func checkText(t *rapid.T, s string) {
	for _, r := range s {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' || r == '\ufeff' {
			t.Fatalf("%q has %U", s, r)
		}
	}
	if strings.Contains(s, "\n\n\n") || strings.TrimSpace(s) == "" {
		t.Fatalf("%q is blank or has blank lines", s)
	}
}

var (
	ourDate  = regexp.MustCompile(`<!date\^[0-9]+\^\{date_short_pretty\}, \{time\}\|[0-9: -]+UTC>`)
	entities = regexp.MustCompile(`&(amp|lt|gt);`)
)

// checkMarkup allows no character that acts in mrkdwn but those of our dates.
func checkMarkup(t *rapid.T, s string, dates bool) {
	if dates {
		s = ourDate.ReplaceAllString(s, "")
	}
	if s = entities.ReplaceAllString(s, ""); strings.ContainsAny(s, "&<>") {
		t.Fatalf("%q: an angle bracket or an ampersand is left", s)
	}
}

// checkPrivate looks for the number with everything but digits taken out.
func checkPrivate(t *rapid.T, m slackfake.Message) {
	all := []string{m.Text}
	for _, b := range m.Blocks {
		for _, text := range shown(b) {
			all = append(all, text.Text)
		}
	}
	id, ok := m.Metadata.EventPayload["event_id"].(string)
	if !ok {
		t.Fatal("no event id in the metadata")
	}
	for _, s := range append(all, id) {
		if strings.Contains(s, targetDigits) || strings.Contains(s, target) || strings.Contains(s, "555-0134") ||
			strings.Contains(s, "555 0134") || strings.Contains(s, "555.0134") {
			t.Fatalf("the number is shown: %q", s)
		}
		if strings.Contains(s, canaryVariable) {
			t.Fatalf("a variable is shown: %q", s)
		}
	}
}

// FuzzDeliver gives any bytes as the platform's object: an event that can be
// decoded gives a message with blocks, others are given up.
func FuzzDeliver(f *testing.F) {
	for _, result := range calls {
		f.Add([]byte(result))
	}
	for _, seed := range []string{
		``, `{`, `null`, `{"insights":{"summary":"\ud800"}}`, `{"target":"` + targetDigits + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, result []byte) {
		e := completed(t, "1", `{}`)
		e.Data = append(append([]byte(`{"batch_id":"20260822.9","reference_id":"1","revision":6,"result":`), result...), '}')
		fake := newFake()
		err := newSink(t, fake).Deliver(t.Context(), e)
		if err != nil {
			if _, broken := e.Call(); broken == nil || !publish.IsPermanent(err) {
				t.Fatal(err)
			}
			return
		}
		if m := fake.Messages()[0]; len(m.Blocks) == 0 {
			t.Errorf("sent as text alone: %q", m.Text)
		}
	})
}
