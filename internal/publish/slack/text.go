package slack

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	joiner    = '\u200d' // joins emoji
	nonJoiner = '\u200c' // separates letters of Persian and others
	ellipsis  = "…"

	// maxMarks is how many combining marks a character may carry: more than
	// any language needs, fewer than it takes to paint over other lines.
	maxMarks = 4
	// maxBackOff bounds how far [cut] goes back to the start of a character
	// that is made of several.
	maxBackOff = 16
)

var lineBreaks = strings.NewReplacer(
	"\r\n", "\n", "\r", "\n", "\v", "\n", "\f", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ",
)

// clean takes out of a text what cannot be seen but acts: control characters,
// marks that turn the direction of writing, invisible filling, and heaps of
// combining marks. Joiners stay where they join something other than ASCII.
// Line breaks stay, two in a row at most. The result is valid UTF-8.
func clean(s string) string {
	previous, marks := rune(0), 0
	s = strings.Map(func(r rune) rune {
		switch {
		case r == joiner || r == nonJoiner:
			if previous < utf8.RuneSelf || previous == joiner || previous == nonJoiner {
				return -1
			}
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks {
				return -1
			}
		case r != '\n' && unicode.IsControl(r):
			return -1
		// The numbers and verses of Arabic and the like are format characters
		// that can be seen.
		case unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r):
			return -1
		default:
			marks = 0
		}
		previous = r
		return r
	}, lineBreaks.Replace(s))
	for strings.Contains(s, "\n\n\n") {
		s = strings.ReplaceAll(s, "\n\n\n", "\n\n")
	}
	return strings.TrimSpace(s)
}

// oneLine is clean with every run of spaces and line breaks as one space.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// size is how much of a limit a character takes, at the most: Slack does not
// say whether it counts characters or UTF-16 units, nor whether before or
// after it escapes & < >.
func size(r rune) int {
	switch r {
	case '&':
		return len("&amp;")
	case '<', '>':
		return len("&lt;")
	}
	return utf16.RuneLen(r)
}

// cut shortens a clean text to a limit, with an ellipsis for what is missing.
// Since it counts as if the text were escaped, the text can be escaped
// afterwards and still fits, with every entity whole. It does not cut marks
// off their letter, nor emoji that are joined.
func cut(s string, limit int) string {
	total, end := 0, 0
	for i, r := range s {
		if total+size(r) <= limit-1 { // 1 for the ellipsis
			end = i + utf8.RuneLen(r)
		}
		if total += size(r); total > limit {
			return strings.TrimRight(whole(s, end), " \n") + ellipsis
		}
	}
	return s
}

// whole returns s up to end, or to a little before if end is within a
// character that is made of several.
func whole(s string, end int) string {
	for at, n := end, 0; at > 0 && n < maxBackOff; n++ {
		before, width := utf8.DecodeLastRuneInString(s[:at])
		after, _ := utf8.DecodeRuneInString(s[at:])
		if before != joiner && after != joiner && !unicode.In(after, unicode.Mn, unicode.Me) {
			return s[:at]
		}
		at -= width
	}
	return s[:end]
}
