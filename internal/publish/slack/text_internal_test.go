package slack

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack/slackutilsx"
	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Hello, <world> & all", "Hello, <world> & all"},
		{"line breaks", "a\r\nb\rc\u2028d\u2029e\u0085f\vg", "a\nb\nc\nd\ne\nf\ng"},
		{"blank lines", "\n\na\n\n\n\n\nb\n\n", "a\n\nb"},
		{"tab", "a\tb", "a b"},
		{"controls", "a\x00\x1b[31mb\x7f\u009bc", "a[31mbc"},
		{"direction", "a\u202egnp\u202c\u2066b\u2069\u200e\u200f\u061c", "agnpb"},
		{"filling", "a\u200b\u2060\ufeff\u00ad\u180e\U000e0041b", "ab"},
		{"joined emoji", "👩‍⚕️👨‍👩‍👧", "👩‍⚕️👨‍👩‍👧"},
		{"joiners alone", "\u200da\u200db\u200d\u200d é\u200d\u200d\u200dx", "ab é\u200dx"},
		{"Persian", "می\u200cخواهم", "می\u200cخواهم"},
		{"Arabic number sign", "\u0600٣", "\u0600٣"},
		{"marks", "e\u0301\u0301\u0301\u0301\u0301\u0301o\u0302", "e\u0301\u0301\u0301\u0301o\u0302"},
		{"Vietnamese", "Bệnh nhân Bệnh", "Bệnh nhân Bệnh"},
		{"not UTF-8", "a\xffb", "a\ufffdb"},
	} {
		if got := clean(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		limit    int
		want     string
	}{
		{"fits", "hello", 5, "hello"},
		{"one too many", "hello!", 5, "hell…"},
		{"escaped length", "a<<b", 9, "a<…"},
		{"escaped length fits", "a<<b", 10, "a<<b"},
		{"entity", "a&b", 6, "a…"},
		{"emoji are two", "🙂🙂🙂", 5, "🙂🙂…"},
		{"space before", "ab cd", 4, "ab…"},
		{"joined emoji", "ab👩‍⚕️cd", 7, "ab…"},
		{"mark", "abe\u0301cd", 4, "ab…"},
		{"nothing fits", "🙂🙂", 1, "…"},
	} {
		if got := cut(c.in, c.limit); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCutKeepsToItsLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		alphabet := []rune("ab \n&<>é\u0301\u200d\ufe0f🙂👩⚕漢")
		in := clean(rapid.StringOf(rapid.SampledFrom(alphabet)).Draw(t, "in"))
		limit := rapid.IntRange(1, 40).Draw(t, "limit")
		got := cut(in, limit)
		escaped := slackutilsx.EscapeMessage(got)
		if n := utf16Length(escaped); n > limit {
			t.Fatalf("%q escapes to %d units, limit %d", got, n, limit)
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		rest, wasCut := strings.CutSuffix(got, ellipsis)
		if wasCut && !strings.HasPrefix(in, rest) || !wasCut && got != in {
			t.Fatalf("%q is not the start of %q", got, in)
		}
		// No cut that is not needed, and none much shorter than it may be.
		if utf16Length(slackutilsx.EscapeMessage(in)) <= limit && wasCut {
			t.Fatalf("%q was cut although it fits %d", in, limit)
		}
	})
}

func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

func TestMaskPhone(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"512-555-0134":            "•••-•••-••34",
		"+15125550134":            "+•••••••••34",
		"(512) 555-0134":          "(•••) •••-••34",
		"555 0134":                "••• ••34",
		"12345":                   "••••",
		"someone.0134@example.co": "••••",
		"512-555-0134 x12":        "••••",
		"٥١٢٥٥٥٠١٣٤":              "••••",
		"":                        "••••",
		strings.Repeat("5", 30):   "••••",
	} {
		if got := maskPhone(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestMasker(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ target, in, want string }{
		{"512-555-0134", "call 512-555-0134.", "call •••-•••-••34."},
		{"512-555-0134", "5125550134 or +1 (512) 555.0134", "••••••••34 or +1 (•••) •••.••34"},
		{"+1 512 555 0134", "15125550134 or 512 555 0134", "•••••••••34 or ••• ••• ••34"},
		{"512-555-0134", "the other is 512-555-0135", "the other is 512-555-0135"},
		{"someone@example.com", "write to Someone@Example.com", "write to ••••"},
		{"12345", "code 12345, not 123456", "code ••••, not ••••6"},
		{"12", "12 of 12", "12 of 12"},
		{"", "nothing", "nothing"},
		{strings.Repeat("5", 500_000), "5555555555", "5555555555"},
		{strings.Repeat("long", 100), strings.Repeat("long", 100), strings.Repeat("long", 100)},
		{"a.c.e", "abcde a.c.e", "abcde ••••"},
	} {
		m := newMasker(c.target)
		if got := m.hide(c.in); got != c.want {
			t.Errorf("target %q: %q, want %q", c.target, got, c.want)
		}
		if got, want := m.finds(c.in), c.in != c.want; got != want {
			t.Errorf("target %q: found in %q: %t", c.target, c.in, got)
		}
	}
}

// A target of any text must make a pattern that compiles.
func FuzzMasker(f *testing.F) {
	f.Add("512-555-0134", "call 512-555-0134")
	f.Add(strings.Repeat("7", 4_000), "7")
	f.Add("a\\E(b*", "a\\E(b*")
	f.Fuzz(func(t *testing.T, target, s string) {
		m, s := newMasker(target), clean(s)
		if got := m.hide(s); !utf8.ValidString(got) || !m.finds(s) && got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}

func TestHumanise(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"call_duration_seconds": "Call duration seconds",
		"callDurationSeconds":   "Call duration seconds",
		"NPS":                   "NPS",
		"NPS-score.2":           "NPS score 2",
		"survey2Result":         "Survey2Result",
		"satisfied?":            "Satisfied",
		"<!channel>":            "Channel",
		"__a__":                 "A",
		"mức độ":                "Mức độ",
		"?!":                    "?!",
		"":                      "",
	} {
		if got := humanise(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestHeadline(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ request, channel, want string }{
		{"COMPLETED", "COMPLETED", "✅ Call completed"},
		{"COMPLETED", "MACHINE", "📼 Call completed · answering machine"},
		{"COMPLETED", "HUMAN", "✅ Call completed · answered by a person"},
		{"COMPLETED", "", "✅ Call completed"},
		{"FAILED", "NO-ANSWER", "❌ Call failed · no answer"},
		{"FAILED", "NO_ANSWER", "❌ Call failed · no answer"},
		{"FAILED", "SIP_NOT_FOUND", "❌ Call failed · SIP not found"},
		{"CANCELED", "CANCELED", "🚫 Call canceled"},
		{"SKIPPED", "FILTERED_LINE_TYPE", "🚫 Call skipped · filtered line type"},
		{"INVALID", "INVALID", "❌ Call not made: invalid"},
		{"DUPLICATE", "", "🚫 Call not made: duplicate"},
		{"CONNECTED", "IN-PROGRESS", "📞 Call connected · in progress"},
		{"<!channel>", "*new*", "📋 Call channel · new"},
		{"", "BUSY", "📋 Call: busy"},
		{"", "", "📋 Call"},
	} {
		if got := headline(c.request, c.channel); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.request, c.channel, got, c.want)
		}
	}
}
