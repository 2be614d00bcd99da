package recording

import (
	"regexp"
	"strings"
	"time"
	"unicode"
)

// longNumber is how many digits a number has that could be a phone number: a
// local one has seven.
const longNumber = 7

// fullNumber is how many digits a whole one has at least. A number of a key that
// is not known is one only then: shorter ones are counts and ids.
const fullNumber = 10

// long finds such a number, however its digits are grouped.
var long = regexp.MustCompile(`\p{Nd}(?:[ .()/\x{a0}\x{2010}-\x{2015}-]*\p{Nd}){6,}`)

// maskLong masks the digits of long numbers. A day written as 2026-08-22 is
// none.
func maskLong(text string) string {
	return long.ReplaceAllStringFunc(text, func(number string) string {
		if _, err := time.Parse(time.DateOnly, number); err == nil {
			return number
		}
		return hideDigits(number)
	})
}

// isMoment says whether a text is nothing but a point in time, with or without a
// zone.
func isMoment(text string) bool {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04:05Z07:00"} {
		if _, err := time.Parse(form, text); err == nil {
			return true
		}
	}
	return false
}

// maskNumber masks a phone number but for its last two digits. A target can be
// an address as well; of what is no number, nothing is told.
func maskNumber(text string) string {
	// What is masked already counts, so that masking twice changes nothing.
	isDigit := func(r rune) bool { return unicode.IsDigit(r) || r == '*' }
	digits := 0
	for _, r := range text {
		if isDigit(r) {
			digits++
		}
	}
	kept := digits - 2
	if digits < longNumber {
		kept = digits
	}
	seen := 0
	return strings.Map(func(r rune) rune {
		if isDigit(r) {
			if seen++; seen > kept {
				return r
			}
		}
		return hidden(r)
	}, text)
}

// hideDigits masks every digit.
func hideDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return '*'
		}
		return r
	}, text)
}

// hide masks every letter and digit, and so leaves only the form.
func hide(text string) string { return strings.Map(hidden, text) }

func hidden(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
		return '*'
	}
	return r
}
