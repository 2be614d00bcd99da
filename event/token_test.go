package event_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

func TestToken(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"20260822.9":    "20260822%2E9",
		"ref-000_1":     "ref-000_1",
		"AZaz09_-":      "AZaz09_-",
		"":              "",
		"%2E":           "%252E",
		"a b*c>d":       "a%20b%2Ac%3Ed",
		"~batch":        "%7Ebatch",
		"é":             "%C3%A9",
		"\x00\r\n\x7f":  "%00%0D%0A%7F",
		"\xff":          "%FF",
		"+1/2:3@4[5]`{": "%2B1%2F2%3A3%404%5B5%5D%60%7B",
	} {
		if got := event.Token(in); got != want {
			t.Errorf("Token(%q) = %q, want %q", in, got, want)
		}
		if got, err := event.ParseToken(want); err != nil || got != in {
			t.Errorf("ParseToken(%q) = %q, %v, want %q", want, got, err, in)
		}
	}
}

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^([A-Za-z0-9_-]|%[0-9A-F]{2})*$`)
	rapid.Check(t, func(t *rapid.T) {
		s := anyBytes().Draw(t, "s")
		token := event.Token(s)
		if !form.MatchString(token) {
			t.Fatalf("Token(%q) = %q is not one plain token", s, token)
		}
		if got := unescape(t, token); got != s {
			t.Fatalf("Token(%q) = %q reads as %q elsewhere", s, token, got)
		}
		if got, err := event.ParseToken(token); err != nil || got != s {
			t.Fatalf("ParseToken(Token(%q)) = %q, %v", s, got, err)
		}
	})
}

// TestParseTokenRefuses checks that a token has one form only.
func TestParseTokenRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"a.b", "a b", "*", ">", "~batch", "é", "\xff", "a\n", // bare
		"%", "a%", "%2", "a%2", "%G0", "%0G", "% 1", // broken
		"%2e", "%c3%a9", // lower case
		"%41", "%5F", "%2D", // needless
	} {
		if got, err := event.ParseToken(s); err == nil {
			t.Errorf("ParseToken(%q) = %q, want an error", s, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(anyBytes(), rapid.StringMatching(`([a-zA-Z0-9._~-]|%[0-9A-Fa-f]{2}|%)*`)).Draw(t, "s")
		if got, err := event.ParseToken(s); err == nil && event.Token(got) != s {
			t.Fatalf("ParseToken(%q) = %q, which Token writes as %q", s, got, event.Token(got))
		}
	})
}
