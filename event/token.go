package event

import (
	"fmt"
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// unknownToken stands in a subject for a campaign or batch that is not known.
const unknownToken = "_"

// Token encodes any string as one NATS subject token: every byte outside
// A-Z a-z 0-9 _ - is written %XX. Batch id 20260822.9, whose dot would split
// a subject, becomes 20260822%2E9. The empty string stays empty.
func Token(s string) string {
	n := 0
	for i := range len(s) {
		if !plain(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*n)
	for i := range len(s) {
		writeByte(&b, s[i], plain(s[i]))
	}
	return b.String()
}

// ParseToken is the inverse of Token. It refuses what Token never writes.
func ParseToken(t string) (string, error) {
	for i := range len(t) {
		if t[i] != '%' && !plain(t[i]) {
			return "", fmt.Errorf("token %q: byte %#x must be percent-encoded", t, t[i])
		}
	}
	s, err := percentDecode(t)
	if err != nil {
		return "", err
	}
	if Token(s) != t {
		return "", fmt.Errorf("token %q is not in its one form, %q", t, Token(s))
	}
	return s, nil
}

func plain(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

func writeByte(b *strings.Builder, c byte, plain bool) {
	if plain {
		b.WriteByte(c)
		return
	}
	b.WriteByte('%')
	b.WriteByte(hexDigits[c>>4])
	b.WriteByte(hexDigits[c&15])
}

// headerValue percent-encodes a header value as the CloudEvents binding asks:
// every byte outside printable ASCII, the space, the double quote and the
// percent sign itself.
func headerValue(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		writeByte(&b, c, c > ' ' && c < 0x7f && c != '"' && c != '%')
	}
	return b.String()
}

// percentDecode undoes Token and headerValue.
func percentDecode(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fmt.Errorf("%q ends inside a percent-encoding", s)
		}
		hi, ok1 := unhex(s[i+1])
		lo, ok2 := unhex(s[i+2])
		if !ok1 || !ok2 {
			return "", fmt.Errorf("%q has a percent sign without two hex digits", s)
		}
		b.WriteByte(hi<<4 | lo)
		i += 2
	}
	return b.String(), nil
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
