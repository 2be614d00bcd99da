package slack

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	dot = "•"
	// hidden stands for a target that is no phone number, such as an email
	// address, of which not even the length is shown.
	hidden = "••••"

	// minDigits to maxDigits make a phone number, extension included; fewer
	// are a code, more are no number at all.
	minDigits, maxDigits = 7, 20
	// national is how many digits a number has, at the most, without its
	// country code, which is written or left out at will.
	national = 10
	// minTarget is the shortest target that is looked for in texts, in bytes:
	// a target of "1" would be found everywhere. maxTarget is the longest: an
	// email address has 320 at the most.
	minTarget, maxTarget = 5, 320

	// between is what may stand between two digits of one number.
	between = `[^0-9A-Za-z\n]{0,3}`
)

// maskPhone shows the last two digits of a phone number and dots in place of
// the others: 512-555-0134 becomes •••-•••-••34. Of any other target it shows
// nothing.
func maskPhone(target string) string {
	n := len(digits(target))
	if n < minDigits || n > maxDigits || strings.ContainsFunc(target, notOfPhone) {
		return hidden
	}
	var b strings.Builder
	for _, r := range target {
		if '0' <= r && r <= '9' {
			if n--; n >= 2 {
				b.WriteString(dot)
				continue
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

func notOfPhone(r rune) bool {
	return r == '@' || unicode.IsLetter(r) || r > unicode.MaxASCII && unicode.IsNumber(r)
}

// digits returns the ASCII digits of a text.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// masker hides the target of one call in the texts of that call.
type masker struct {
	find *regexp.Regexp // nil: nothing to hide
}

// newMasker returns the masker of a target, which is looked for as it is
// written and, if it has the digits of a phone number, with any spaces and
// punctuation between them, and with or without its country code.
func newMasker(target string) masker {
	target = oneLine(target)
	var forms []string
	if d := digits(target); minDigits <= len(d) && len(d) <= maxDigits && !strings.Contains(target, "@") {
		country := ""
		if len(d) > national {
			country = "(?:" + spread(d[:len(d)-national]) + between + ")?"
			d = d[len(d)-national:]
		}
		forms = append(forms, country+spread(d))
	}
	if minTarget <= len(target) && len(target) <= maxTarget {
		forms = append(forms, regexp.QuoteMeta(target))
	}
	if len(forms) == 0 {
		return masker{}
	}
	return masker{regexp.MustCompile("(?i)" + strings.Join(forms, "|"))}
}

func spread(digits string) string { return strings.Join(strings.Split(digits, ""), between) }

// hide masks the target wherever it stands in a clean text.
func (m masker) hide(s string) string {
	if m.find == nil {
		return s
	}
	return m.find.ReplaceAllStringFunc(s, maskPhone)
}

// finds reports whether the target stands in a text.
func (m masker) finds(s string) bool { return m.find != nil && m.find.MatchString(s) }
