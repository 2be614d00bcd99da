package slackfake_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/width"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

func text(kind, s string) slackfake.Text { return slackfake.Text{Type: kind, Text: s} }

func quote(s string) slackfake.Block {
	return slackfake.Block{Type: "rich_text", Rich: []slackfake.Rich{
		{Type: "rich_text_quote", Elements: []slackfake.Span{{Type: "text", Text: s}}},
	}}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	title := text("plain_text", "✅ Call completed")
	intro := text("mrkdwn", "*Hello* &lt;b&gt; <https://example.com|there>")
	m := slackfake.Message{Text: "not shown", Blocks: []slackfake.Block{
		{Type: "header", Text: &title},
		quote("The visit was confirmed & a callback was asked for.\n\nThanks."),
		{Type: "section", Text: &intro, Fields: []slackfake.Text{
			text("mrkdwn", "*Rating*"), text("plain_text", "*Good*"),
			text("mrkdwn", "*Một nhãn lẻ*"),
		}},
		{Type: "section", Fields: []slackfake.Text{
			text("mrkdwn", "*Note*"), text("plain_text", "a value that needs two lines"),
		}},
		{Type: "divider"},
		{Type: "rich_text", Rich: []slackfake.Rich{{Type: "rich_text_section", Elements: []slackfake.Span{
			{Type: "text", Text: "one ", Style: map[string]bool{"bold": true}}, {Type: "text", Text: "two"},
		}}}},
		{Type: "context", Elements: []slackfake.Text{
			text("plain_text", "Batch 1"), text("mrkdwn", "Seen <!date^1787392815^{time}|10:00 UTC>"),
		}},
	}}
	want := `✅ Call completed
│ The visit was confirmed & a
│ callback was asked for.
│ 
│ Thanks.
Hello <b> there
Rating       *Good*
Một nhãn lẻ
Note         a value that needs
             two lines
────────────────────────────────
one two
Batch 1 · Seen 10:00 UTC
`
	if diff := cmp.Diff(want, m.Plain(32)); diff != "" {
		t.Error(diff)
	}
}

func TestPlainWithoutBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		markup bool
		in     string
		want   string
	}{
		{true, "*a* &amp;lt; <@U1>", "a &lt;\n"},
		{false, "*a* &amp;lt; &lt;@U1&gt;", "*a* &lt; <@U1>\n"},
		{true, "&copy; &amp;", "&copy; &\n"},
	} {
		m := slackfake.Message{Text: c.in, Markup: c.markup}
		if got := m.Plain(40); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestPlainShowsWhatWouldDriveATerminal(t *testing.T) {
	t.Parallel()
	m := slackfake.Message{Blocks: []slackfake.Block{
		quote("a\x1b[2Jb\x07c\u009bd\u202ee\rf\tg\u00a0h\x7f\u200bi 👩‍⚕️ 漢字"),
	}}
	want := `│ a\x1b[2Jb\ac\u009bd\u202ee\rf g` + "\n" + `│ h\x7f\u200bi 👩‍⚕️ 漢字` + "\n"
	if diff := cmp.Diff(want, m.Plain(33)); diff != "" {
		t.Error(diff)
	}
}

func TestPlainIsNeverTooNarrow(t *testing.T) {
	t.Parallel()
	m := slackfake.Message{Blocks: []slackfake.Block{quote(strings.Repeat("漢", 30))}}
	if got, want := m.Plain(-5), m.Plain(20); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// checkPlain holds lines to their width and to what a terminal only prints.
func checkPlain(t interface{ Errorf(string, ...any) }, m slackfake.Message, wide int) {
	got := m.Plain(wide)
	for line := range strings.SplitSeq(got, "\n") {
		n := 0
		for _, r := range line {
			if !unicode.IsPrint(r) && r != '\u200d' {
				t.Errorf("%q has %U", line, r)
			}
			switch kind := width.LookupRune(r).Kind(); {
			case unicode.In(r, unicode.Mn, unicode.Me) || r == '\u200d':
			case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
				n += 2
			default:
				n++
			}
		}
		if n > wide {
			t.Errorf("%q has %d columns of %d", line, n, wide)
		}
	}
}

func TestPlainKeepsToItsWidth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		odd := rapid.SampledFrom([]string{"漢字", "👩‍⚕️", "\x1b", "e\u0301", "*b*", "<a|b>", "word "})
		part := rapid.OneOf(rapid.String(), odd)
		texts := rapid.Map(rapid.SliceOfN(part, 1, 12), func(s []string) string { return strings.Join(s, "") })
		var blocks []slackfake.Block
		for range rapid.IntRange(1, 4).Draw(t, "blocks") {
			title := text(rapid.SampledFrom([]string{"plain_text", "mrkdwn"}).Draw(t, "kind"), texts.Draw(t, "text"))
			var fields []slackfake.Text
			for range rapid.IntRange(0, 5).Draw(t, "fields") {
				fields = append(fields, text("mrkdwn", texts.Draw(t, "field")))
			}
			section := slackfake.Block{Type: "section", Text: &title, Fields: fields}
			blocks = append(blocks, section, quote(texts.Draw(t, "quote")))
		}
		m := slackfake.Message{Text: texts.Draw(t, "fallback"), Blocks: blocks}
		checkPlain(t, m, rapid.IntRange(20, 100).Draw(t, "width"))
	})
}
