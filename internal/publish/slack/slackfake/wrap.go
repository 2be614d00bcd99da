package slackfake

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// joiner glues emoji together; it is invisible and cannot drive a terminal.
const joiner = '\u200d'

// wrap breaks text into lines of at most limit columns, at spaces where it
// can; it returns no line for an empty text.
func wrap(text string, limit int) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for paragraph := range strings.SplitSeq(visible(text), "\n") {
		line, used := "", 0
		for word := range strings.FieldsSeq(paragraph) {
			n := columnsOf(word)
			if used > 0 && used+1+n > limit {
				lines = append(lines, line)
				line, used = "", 0
			}
			if used > 0 {
				line, used = line+" ", used+1
			}
			for n > limit { // only a word that has the line to itself
				head, rest := splitAt(word, limit)
				lines = append(lines, head)
				word, n = rest, columnsOf(rest)
			}
			line, used = line+word, used+n
		}
		lines = append(lines, line)
	}
	return lines
}

// splitAt cuts as many characters off a word as fit, one at least.
func splitAt(word string, limit int) (head, rest string) {
	used := 0
	for i, r := range word {
		used += columnOf(r)
		if used > limit && i > 0 {
			return word[:i], word[i:]
		}
	}
	return word, ""
}

// visible writes out what is not printable, as Go's string literals do. Line
// breaks stay, other spaces become plain ones.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == joiner || unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '\t' || unicode.Is(unicode.Zs, r):
			b.WriteByte(' ')
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// columnsOf is how many columns a terminal gives to a text. It is close, not
// exact: terminals do not agree about joined emoji.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		n += columnOf(r)
	}
	return n
}

func columnOf(r rune) int {
	switch {
	case r == joiner || unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
		return 2
	}
	return 1
}
