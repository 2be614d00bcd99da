package slackfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
)

// The limits of a message, in characters and numbers of things.
const (
	maxText     = 4_000  // recommended; longer ones have been refused
	maxBlocks   = 50     // in a message
	maxJSON     = 13_200 // of all blocks as JSON: not documented, reported by users
	maxBlockID  = 255
	maxHeader   = 150
	maxInText   = 3_000 // in one text, or in all texts of a rich_text block
	maxFields   = 10    // in a section
	maxInField  = 2_000
	maxElements = 10 // in a context
)

// Block is a block as its JSON says, of whichever kind. A property that its
// kind does not have is nil or empty.
type Block struct {
	Type    string `json:"type"`
	BlockID string `json:"block_id"`
	// Text of a header or section.
	Text *Text `json:"text"`
	// Fields of a section.
	Fields []Text `json:"fields"`
	// Elements of a context.
	Elements []Text `json:"-"`
	// Rich are the elements of a rich_text block.
	Rich []Rich `json:"-"`
}

// Text is a text object: plain_text or mrkdwn.
type Text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji"`
	Verbatim *bool  `json:"verbatim"`
}

// Rich is a part of a rich_text block: rich_text_section or rich_text_quote.
type Rich struct {
	Type     string `json:"type"`
	Elements []Span `json:"elements"`
}

// Span is a stretch of text in one style; its type is always text.
type Span struct {
	Type  string          `json:"type"`
	Text  string          `json:"text"`
	Style map[string]bool `json:"style"`
}

// characters counts as the stricter of the ways in which Slack may count:
// an emoji is two UTF-16 units, and counts as two.
func characters(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// parseBlocks decodes blocks and checks them against Block Kit's rules.
func parseBlocks(raw json.RawMessage) ([]Block, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, &apiError{code: "invalid_blocks_format"}
	}
	if len(list) > maxBlocks {
		return nil, invalid("/blocks", "no more than %d items allowed", maxBlocks)
	}
	blocks := make([]Block, len(list))
	ids := map[string]bool{}
	for i, raw := range list {
		at := fmt.Sprintf("/blocks/%d", i)
		b, err := parseBlock(raw, at)
		if err != nil {
			return nil, err
		}
		if characters(b.BlockID) > maxBlockID {
			return nil, invalid(at+"/block_id", "must be less than %d characters", maxBlockID+1)
		}
		if b.BlockID != "" && ids[b.BlockID] {
			return nil, invalid(at+"/block_id", "must be unique")
		}
		ids[b.BlockID] = true
		blocks[i] = b
	}
	if characters(string(raw)) > maxJSON {
		return nil, &apiError{code: "msg_blocks_too_long"}
	}
	return blocks, nil
}

func parseBlock(raw json.RawMessage, at string) (Block, error) {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return Block{}, invalid(at, "must be an object with a type")
	}
	switch kind.Type {
	case "header", "section", "divider":
		var b Block
		if err := strict(raw, &b, at); err != nil {
			return b, err
		}
		return b, b.check(at)
	case "context":
		var c struct {
			Type     string `json:"type"`
			BlockID  string `json:"block_id"`
			Elements []Text `json:"elements"`
		}
		if err := strict(raw, &c, at); err != nil {
			return Block{}, err
		}
		b := Block{Type: c.Type, BlockID: c.BlockID, Elements: c.Elements}
		return b, checkTexts(c.Elements, maxElements, maxInText, at+"/elements")
	case "rich_text":
		var c struct {
			Type     string `json:"type"`
			BlockID  string `json:"block_id"`
			Elements []Rich `json:"elements"`
		}
		if err := strict(raw, &c, at); err != nil {
			return Block{}, err
		}
		b := Block{Type: c.Type, BlockID: c.BlockID, Rich: c.Elements}
		return b, checkRich(c.Elements, at+"/elements")
	}
	return Block{}, invalid(at+"/type", "unsupported type: %q", kind.Type)
}

// strict decodes and refuses properties that are not known: Slack does too.
func strict(raw json.RawMessage, v any, at string) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return invalid(at, "%v", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return invalid(at, "more than one value")
	}
	return nil
}

func invalid(at, format string, args ...any) error {
	return &apiError{code: "invalid_blocks", messages: []string{
		"[ERROR] " + fmt.Sprintf(format, args...) + " [json-pointer:" + at + "]",
	}}
}
