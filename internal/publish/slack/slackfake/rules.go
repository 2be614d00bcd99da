package slackfake

import (
	"fmt"
	"slices"
)

// check holds a header, section or divider against the rules of its kind.
func (b Block) check(at string) error {
	switch b.Type {
	case "header":
		switch {
		case b.Fields != nil:
			return invalid(at, "additional property: fields")
		case b.Text == nil:
			return invalid(at, "missing required field: text")
		case b.Text.Type != "plain_text":
			return invalid(at+"/text/type", "must be plain_text")
		}
		return b.Text.check(maxHeader, at+"/text")
	case "section":
		if b.Text == nil && b.Fields == nil {
			return invalid(at, "missing required field: text or fields")
		}
		if b.Text != nil {
			if err := b.Text.check(maxInText, at+"/text"); err != nil {
				return err
			}
		}
		if b.Fields == nil {
			return nil
		}
		return checkTexts(b.Fields, maxFields, maxInField, at+"/fields")
	case "divider":
		if b.Text != nil || b.Fields != nil {
			return invalid(at, "additional property: text or fields")
		}
	}
	return nil
}

func checkTexts(texts []Text, most, longest int, at string) error {
	if len(texts) == 0 {
		return invalid(at, "no less than 1 items allowed")
	}
	if len(texts) > most {
		return invalid(at, "no more than %d items allowed", most)
	}
	for i, t := range texts {
		if err := t.check(longest, fmt.Sprintf("%s/%d", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func (t Text) check(longest int, at string) error {
	n := characters(t.Text)
	switch {
	case t.Type != "plain_text" && t.Type != "mrkdwn":
		return invalid(at+"/type", "must be plain_text or mrkdwn")
	case t.Emoji != nil && t.Type != "plain_text":
		return invalid(at+"/emoji", "only plain_text has it")
	case t.Verbatim != nil && t.Type != "mrkdwn":
		return invalid(at+"/verbatim", "only mrkdwn has it")
	case n == 0:
		return invalid(at+"/text", "must be more than 0 characters")
	case n > longest:
		return invalid(at+"/text", "must be less than %d characters", longest+1)
	}
	return nil
}

func checkRich(parts []Rich, at string) error {
	if len(parts) == 0 {
		return invalid(at, "no less than 1 items allowed")
	}
	total := 0
	for i, p := range parts {
		at := fmt.Sprintf("%s/%d", at, i)
		if p.Type != "rich_text_section" && p.Type != "rich_text_quote" {
			return invalid(at+"/type", "unsupported type: %q", p.Type)
		}
		if len(p.Elements) == 0 {
			return invalid(at+"/elements", "no less than 1 items allowed")
		}
		for j, s := range p.Elements {
			if err := s.check(fmt.Sprintf("%s/elements/%d", at, j)); err != nil {
				return err
			}
			total += characters(s.Text)
		}
	}
	if total > maxInText {
		return invalid(at, "must be less than %d characters in all", maxInText+1)
	}
	return nil
}

func (s Span) check(at string) error {
	if s.Type != "text" {
		return invalid(at+"/type", "unsupported type: %q", s.Type)
	}
	if s.Text == "" {
		return invalid(at+"/text", "must be more than 0 characters")
	}
	for style := range s.Style {
		if !slices.Contains([]string{"bold", "italic", "strike", "code"}, style) {
			return invalid(at+"/style", "additional property: %s", style)
		}
	}
	return nil
}
