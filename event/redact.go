package event

import "strings"

const (
	// phoneDigits is from how many digits on a number may be a phone number,
	// and shownDigits how many of them are shown.
	phoneDigits = 7
	shownDigits = 2
)

// Redact returns s as it may stand in a log: of what may be a phone number,
// seven digits or more with whatever spaces and hyphens between them, all but
// the last two digits are x. Reference ids are the customer's, and some take
// the number for one.
func Redact(s string) string {
	out := []byte(s)
	for i := 0; i < len(out); {
		if !isDigit(out[i]) {
			i++
			continue
		}
		var digits []int // where those of this number are
		for ; i < len(out) && (isDigit(out[i]) || strings.IndexByte(" -.()/", out[i]) >= 0); i++ {
			if isDigit(out[i]) {
				digits = append(digits, i)
			}
		}
		if len(digits) < phoneDigits {
			continue
		}
		for _, at := range digits[:len(digits)-shownDigits] {
			out[at] = 'x'
		}
	}
	return string(out)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Redacted returns the id as it may stand in a log; see [Redact].
func (id ID) Redacted() string {
	id.Reference = Redact(id.Reference)
	return id.String()
}
