package slack

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	slackapi "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"github.com/syllable-notifier/notifier/event"
)

// Slack's limits, in characters. A message has 50 blocks at the most, far more
// than these layouts come to.
const (
	maxHeader = 150
	maxFields = 10 // of a section: five rows
	maxLabel  = 75
	maxOrigin = 150
	// maxJSON is for all blocks of a message as JSON. Slack documents none;
	// users have been refused at 13,200.
	maxJSON = 13_000
	// maxText is for the fallback text. Slack takes 4,000; it is read in
	// notifications.
	maxText = 1_000
	// maxShort is for a message refused as too long although it kept to all
	// of these.
	maxShort = 300
)

// message is one message, ready for Slack.
type message struct {
	// text is the fallback, which notifications and screen readers show. It
	// is not escaped yet, and its length allows for it.
	text string
	// blocks is what stands in place of the text, empty for none.
	blocks []slackapi.Block
	// eventID is for the metadata, empty for none.
	eventID string
}

// measures say how long the free parts of a message may be, in characters.
type measures struct {
	summary, value int
	rows           int
}

// fits are tried one after the other until the message is within maxJSON. The
// first shows everything of all but a few calls; the last always fits.
var fits = []measures{
	{summary: 2_900, value: 1_500, rows: 30},
	{summary: 2_900, value: 200, rows: 30},
	{summary: 1_500, value: 100, rows: 20},
	{summary: 500, value: 60, rows: 10},
}

// compose makes the message of an event and its call.
func compose(e event.Event, c event.Call) message {
	v := viewOf(e, c)
	m := message{text: v.text(), eventID: v.eventID}
	for _, f := range fits {
		m.blocks = v.blocks(f)
		if jsonSize(m.blocks) <= maxJSON {
			break
		}
	}
	return m
}

// simpler returns the message without what Slack may have refused.
func (m message) simpler(why *refusedError) message {
	m.blocks = nil
	m.text = cut(m.text, maxShort)
	if strings.Contains(why.code, "metadata") {
		m.eventID = ""
	}
	return m
}

// text is the message in one paragraph.
func (v view) text() string {
	parts := []string{v.headline}
	for _, r := range []row{
		{"Rating", v.rating}, {"Reference", v.reference}, {"Batch", v.batch}, {"Campaign", v.campaign},
	} {
		if r.value != "" {
			parts = append(parts, r.label+" "+r.value)
		}
	}
	s := strings.Join(parts, " · ")
	if v.summary != "" {
		s += "\n" + v.summary
	}
	return cut(s, maxText)
}

func (v view) blocks(f measures) []slackapi.Block {
	blocks := []slackapi.Block{slackapi.NewHeaderBlock(plain(v.headline, maxHeader))}
	if v.summary != "" {
		summary := slackapi.NewRichTextSectionTextElement(cut(v.summary, f.summary), nil)
		blocks = append(blocks, slackapi.NewRichTextBlock("", &slackapi.RichTextQuote{
			Type: slackapi.RTEQuote, Elements: []slackapi.RichTextSectionElement{summary},
		}))
	}
	about := v.insights
	if hidden := len(about) - f.rows; hidden > 0 {
		about = append(slices.Clone(about[:f.rows]), row{"More", fmt.Sprintf("%d further insights not shown", hidden)})
	}
	if v.rating != "" {
		about = append([]row{{"Rating", ratingEmoji(v.rating) + v.rating}}, about...)
	}
	blocks = append(blocks, sections(about, f.value)...)
	blocks = append(blocks, sections([]row{
		{"Reference", v.reference}, {"Phone", v.phone}, {"Attempts", v.attempts},
	}, f.value)...)
	return append(blocks, v.context())
}

// sections puts rows into as many sections as they need: a label on the left,
// its value on the right. Rows without a value are left out.
func sections(rows []row, maxValue int) []slackapi.Block {
	var fields []*slackapi.TextBlockObject
	for _, r := range rows {
		if r.value != "" {
			fields = append(fields, label(r.label), plain(r.value, maxValue))
		}
	}
	var blocks []slackapi.Block
	for some := range slices.Chunk(fields, maxFields) {
		blocks = append(blocks, slackapi.NewSectionBlock(nil, some, nil))
	}
	return blocks
}

// context is the quiet last line: where the call belongs, and when it was.
func (v view) context() slackapi.Block {
	elements := []slackapi.MixedElement{plain("Batch "+v.batch, maxOrigin)}
	if v.campaign != "" {
		elements = append(elements, plain("Campaign "+v.campaign, maxOrigin))
	}
	if date := localTime(v.called); date != "" {
		elements = append(elements, mrkdwn("Called "+date))
	}
	if date := localTime(v.seen); date != "" {
		elements = append(elements, mrkdwn("Seen "+date))
	}
	return slackapi.NewContextBlock("", elements...)
}

// localTime is a time that Slack shows in the time zone of whoever reads it.
// Times that Slack cannot show are left out: they are mistakes in the data.
func localTime(t time.Time) string {
	if t.Year() < 2000 || t.Year() > 2100 {
		return ""
	}
	return fmt.Sprintf("<!date^%d^{date_short_pretty}, {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 MST"))
}

// plain is text of which no character acts, not even a :shortcode:.
func plain(s string, limit int) *slackapi.TextBlockObject {
	return slackapi.NewTextBlockObject(slackapi.PlainTextType, cut(s, limit), false, false)
}

// label is bold text, which plain_text cannot have.
func label(s string) *slackapi.TextBlockObject {
	return mrkdwn("*" + slackutilsx.EscapeMessage(cut(s, maxLabel)) + "*")
}

// mrkdwn is markup of our own; verbatim keeps Slack from seeing links and
// names in it.
func mrkdwn(s string) *slackapi.TextBlockObject {
	return slackapi.NewTextBlockObject(slackapi.MarkdownType, s, false, true)
}

// jsonSize is the length of the blocks as they are sent, in characters.
func jsonSize(blocks []slackapi.Block) int {
	raw, err := json.Marshal(blocks)
	if err != nil {
		return math.MaxInt // what cannot be sent fits nowhere
	}
	n := 0
	for _, r := range string(raw) {
		n += utf16.RuneLen(r)
	}
	return n
}
