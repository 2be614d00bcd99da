package slackfake_test

import (
	"encoding/json"
	"strings"
	"testing"
)

const header = `{"type":"header","text":{"type":"plain_text","text":"Title","emoji":true}}`

func list(n int, item string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

func section(fields string) string { return `[{"type":"section","fields":` + fields + `}]` }

func headerOf(text string) string {
	return `[{"type":"header","text":{"type":"plain_text","text":"` + text + `"}}]`
}

func context(elements string) string { return `[{"type":"context","elements":` + elements + `}]` }

func markup(text string) string { return `{"type":"mrkdwn","text":"` + text + `"}` }

func spans(element string) string {
	return rich(`[{"type":"rich_text_section","elements":[` + element + `]}]`)
}

func x(n int) string { return strings.Repeat("x", n) }

func rich(elements string) string { return `[{"type":"rich_text","elements":` + elements + `}]` }

func quoteOf(text string) string {
	return `{"type":"rich_text_quote","elements":[{"type":"text","text":"` + text + `"}]}`
}

func TestBlocksThatAreTaken(t *testing.T) {
	t.Parallel()
	for name, blocks := range map[string]string{
		"all kinds": `[` + header + `,{"type":"divider","block_id":"b1"},
			{"type":"section","text":{"type":"mrkdwn","text":"*a*","verbatim":true},"fields":[{"type":"plain_text","text":"b"}]},
			{"type":"context","elements":[{"type":"mrkdwn","text":"c"},{"type":"plain_text","text":"d","emoji":false}]},
			{"type":"rich_text","elements":[
				{"type":"rich_text_section","elements":[{"type":"text","text":"e","style":{"bold":true}}]},
				` + quoteOf("f") + `]}]`,
		"most blocks":        list(50, header),
		"longest header":     headerOf(x(150)),
		"most fields":        section(list(10, `{"type":"mrkdwn","text":"a"}`)),
		"longest field":      section(`[{"type":"mrkdwn","text":"` + x(2000) + `"}]`),
		"longest section":    `[{"type":"section","text":{"type":"mrkdwn","text":"` + x(3000) + `"}}]`,
		"most in context":    `[{"type":"context","elements":` + list(10, `{"type":"mrkdwn","text":"a"}`) + `}]`,
		"longest rich text":  rich(list(2, quoteOf(x(1500)))),
		"longest of all":     section(list(6, `{"type":"mrkdwn","text":"`+x(1990)+`"}`)),
		"longest block_id":   `[{"type":"divider","block_id":"` + x(255) + `"}]`,
		"null block_id etc.": `[{"type":"divider","block_id":null}]`,
	} {
		f := unlimited()
		if got := post(t, f, "blocks", blocks); !got.OK {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestBlocksThatAreRefused(t *testing.T) {
	t.Parallel()
	const short = `{"type":"mrkdwn","text":"a"}`
	for name, c := range map[string]struct {
		blocks string
		place  string // below /blocks
	}{
		"no objects":        {`[1]`, "/0"},
		"unknown type":      {`[` + header + `,{"type":"actions","elements":[]}]`, "/1/type"},
		"no type":           {`[{"text":"a"}]`, "/0/type"},
		"unknown property":  {`[{"type":"divider","color":"red"}]`, "/0"},
		"wrong JSON type":   {`[{"type":"header","text":"a"}]`, "/0"},
		"51 blocks":         {list(51, header), ""},
		"same block_id":     {list(2, `{"type":"divider","block_id":"a"}`), "/1/block_id"},
		"long block_id":     {`[{"type":"divider","block_id":"` + x(256) + `"}]`, "/0/block_id"},
		"divider with text": {`[{"type":"divider","text":` + short + `}]`, "/0"},

		"header without text":   {`[{"type":"header"}]`, "/0"},
		"header with fields":    {strings.Replace(headerOf("a"), `"text"`, `"fields":[],"text"`, 1), "/0"},
		"header of mrkdwn":      {`[{"type":"header","text":` + short + `}]`, "/0/text/type"},
		"empty header":          {headerOf(""), "/0/text/text"},
		"long header":           {headerOf(x(151)), "/0/text/text"},
		"header of many emojis": {headerOf(strings.Repeat("🙂", 76)), "/0/text/text"},

		"empty section":     {`[{"type":"section"}]`, "/0"},
		"long section":      {`[{"type":"section","text":` + markup(x(3001)) + `}]`, "/0/text/text"},
		"no fields":         {section(`[]`), "/0/fields"},
		"11 fields":         {section(list(11, short)), "/0/fields"},
		"long field":        {section(list(1, markup(x(2001)))), "/0/fields/0/text"},
		"empty field":       {section(`[` + short + `,` + markup("") + `]`), "/0/fields/1/text"},
		"field of no type":  {section(`[{"text":"a"}]`), "/0/fields/0/type"},
		"emoji of mrkdwn":   {section(`[{"type":"mrkdwn","text":"a","emoji":true}]`), "/0/fields/0/emoji"},
		"verbatim of plain": {section(`[{"type":"plain_text","text":"a","verbatim":true}]`), "/0/fields/0/verbatim"},
		"accessory":         {`[{"type":"section","text":` + short + `,"accessory":{}}]`, "/0"},

		"empty context":      {context(`[]`), "/0/elements"},
		"11 in context":      {context(list(11, short)), "/0/elements"},
		"image in context":   {context(`[{"type":"image","image_url":"a","alt_text":"b"}]`), "/0"},
		"context with extra": {`[{"type":"context","elements":[],"text":"a"}]`, "/0"},

		"empty rich text":      {rich(`[]`), "/0/elements"},
		"rich text with extra": {`[{"type":"rich_text","elements":[],"text":"a"}]`, "/0"},
		"list in rich text":    {rich(`[{"type":"rich_text_list","elements":[]}]`), "/0/elements/0/type"},
		"empty quote":          {rich(`[{"type":"rich_text_quote","elements":[]}]`), "/0/elements/0/elements"},
		"quote of empty text":  {rich(list(1, quoteOf(""))), "/0/elements/0/elements/0/text"},
		"mention in rich text": {spans(`{"type":"broadcast","range":"channel"}`), "/0"},
		"unknown element":      {spans(`{"type":"emoji","text":"a"}`), "/0/elements/0/elements/0/type"},
		"unknown style": {
			spans(`{"type":"text","text":"a","style":{"huge":true}}`), "/0/elements/0/elements/0/style",
		},
		"long rich text": {rich(list(2, quoteOf(x(1501)))), "/0/elements"},
	} {
		f := unlimited()
		got := post(t, f, "text", "a", "blocks", c.blocks)
		if got.Error != "invalid_blocks" || len(f.Messages()) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		want := "[json-pointer:/blocks" + c.place + "]"
		if len(got.Meta.Messages) != 1 || !strings.HasSuffix(got.Meta.Messages[0], want) {
			t.Errorf("%s: %q, want %s", name, got.Meta.Messages, want)
		}
	}
}

func TestBlocksThatAreNoneOrTooLong(t *testing.T) {
	t.Parallel()
	for blocks, want := range map[string]string{
		`{"type":"divider"}`:              "invalid_blocks_format",
		`[`:                               "invalid_blocks_format",
		section(list(7, markup(x(1990)))): "msg_blocks_too_long",
		section(list(10, markup(x(600)+"漢🙂"))): "",
	} {
		f := unlimited()
		if got := post(t, f, "text", "a", "blocks", blocks); got.Error != want || len(f.Messages()) == 1 != got.OK {
			t.Errorf("%.60s: %+v, want %q", blocks, got, want)
		}
	}
}

// FuzzBlocks gives any bytes as blocks: what is taken can be shown, and
// nothing is stored of what is not.
func FuzzBlocks(f *testing.F) {
	for _, seed := range []string{
		`[` + header + `]`, section(`[{"type":"mrkdwn","text":"*a*"},{"type":"plain_text","text":"\u001b[2J"}]`),
		rich(list(1, quoteOf(`a\nb`))), context(list(1, markup("<!date^1^{time}|noon>"))), `[]`, `{`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, blocks string) {
		fake := unlimited()
		got := post(t, fake, "text", "a", "blocks", blocks)
		if got.OK != (len(fake.Messages()) == 1) {
			t.Fatalf("%+v, %d stored", got, len(fake.Messages()))
		}
		for _, m := range fake.Messages() {
			if m.Blocks != nil && !json.Valid(m.RawBlocks) {
				t.Errorf("took %q", blocks)
			}
			checkPlain(t, m, 40)
		}
	})
}
