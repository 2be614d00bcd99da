package slackfake

import (
	"regexp"
	"strings"
)

// minWidth is the narrowest that a message is drawn: below it, words break
// into letters.
const minWidth = 20

// Plain renders the message for a terminal of so many columns (20 at least),
// a line break after every line. Columns stay columns where they have room.
//
// Whatever could drive the terminal is written out: a message that contains
// an escape character shows \x1b. Nothing in the result is a control
// character but the line breaks.
func (m Message) Plain(width int) string {
	width = max(width, minWidth)
	var lines []string
	if len(m.Blocks) == 0 {
		text := unescape(m.Text)
		if m.Markup {
			text = markup(m.Text)
		}
		lines = wrap(text, width)
	}
	left := leftColumn(m.Blocks, width)
	for _, b := range m.Blocks {
		lines = append(lines, b.lines(width, left)...)
	}
	return strings.Join(lines, "\n") + "\n"
}

func (b Block) lines(width, left int) []string {
	switch b.Type {
	case "divider":
		return []string{strings.Repeat("─", width)}
	case "context":
		shown := make([]string, len(b.Elements))
		for i, e := range b.Elements {
			shown[i] = e.shown()
		}
		return wrap(strings.Join(shown, " · "), width)
	case "rich_text":
		var lines []string
		for _, p := range b.Rich {
			lines = append(lines, p.lines(width)...)
		}
		return lines
	}
	var lines []string
	if b.Text != nil {
		lines = wrap(b.Text.shown(), width)
	}
	return append(lines, columns(b.Fields, width, left)...)
}

func (p Rich) lines(width int) []string {
	var text strings.Builder
	for _, s := range p.Elements {
		text.WriteString(s.Text)
	}
	if p.Type != "rich_text_quote" {
		return wrap(text.String(), width)
	}
	lines := wrap(text.String(), width-2)
	for i := range lines {
		lines[i] = "│ " + lines[i]
	}
	return lines
}

// gap is how many columns stand between the two that a section has.
const gap = 2

// leftColumn is how wide the left fields of all sections are, so that they
// stand below each other.
func leftColumn(blocks []Block, width int) int {
	left := 0
	for _, b := range blocks {
		for i := 0; i < len(b.Fields); i += 2 {
			for line := range strings.SplitSeq(visible(b.Fields[i].shown()), "\n") {
				left = max(left, columnsOf(line))
			}
		}
	}
	return min(left, width/2-gap)
}

// columns draws fields in pairs, as Slack does on a wide screen.
func columns(fields []Text, width, left int) []string {
	var lines []string
	for i := 0; i < len(fields); i += 2 {
		first := wrap(fields[i].shown(), left)
		var second []string
		if i+1 < len(fields) {
			second = wrap(fields[i+1].shown(), width-left-gap)
		}
		for j := range max(len(first), len(second)) {
			var line string
			if j < len(first) {
				line = first[j]
			}
			if j < len(second) {
				line += strings.Repeat(" ", left+gap-columnsOf(line)) + second[j]
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// shown is the text as a reader sees it.
func (t Text) shown() string {
	if t.Type == "mrkdwn" {
		return markup(t.Text)
	}
	return t.Text
}

var (
	boldMarkup  = regexp.MustCompile(`\*([^*\n]+)\*`)
	angleMarkup = regexp.MustCompile(`<[^<>|]*(?:\|([^<>]*))?>`)
)

// markup shows mrkdwn as text: without the marks of bold, what stands in
// angle brackets by its label, and with entities as their characters.
func markup(s string) string {
	s = boldMarkup.ReplaceAllString(s, "$1")
	s = angleMarkup.ReplaceAllString(s, "$1")
	return unescape(s)
}

// unescape undoes the three entities that Slack has, and no others.
func unescape(s string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(s)
}
