package recording

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// masker copies a body and replaces what has to be masked. It works on spans
// of the body, not on decoded values, so that the order of keys, a key that
// occurs twice and the way numbers are written stay as they were.
type masker struct {
	body   []byte
	in     *jsontext.Decoder
	out    bytes.Buffer
	copied int // bytes of body that are in out, or replaced
}

// maskJSON masks a body up to where it stops being one JSON value, if it does;
// what follows is the rest.
func maskJSON(body []byte) (head, rest []byte, whole bool) {
	m := &masker{body: body, in: jsontext.NewDecoder(bytes.NewReader(body), anyNames)}
	err := m.value(ruleText)
	end := int(m.in.InputOffset())
	m.out.Write(body[m.copied:end])
	rest = body[end:]
	return m.out.Bytes(), rest, err == nil && len(bytes.TrimSpace(rest)) == 0
}

// value masks the next value, of whatever kind.
func (m *masker) value(r rule) error {
	switch m.in.PeekKind() {
	case '{':
		return m.object(r)
	case '[':
		return m.array(r)
	}
	raw, err := m.in.ReadValue()
	if err != nil {
		return err
	}
	if replacement := maskScalar(raw, r); replacement != nil {
		m.replace(len(raw), replacement)
	}
	return nil
}

// replace puts something in the place of the n bytes that were read last.
func (m *masker) replace(n int, replacement []byte) {
	end := int(m.in.InputOffset())
	m.out.Write(m.body[m.copied : end-n])
	m.out.Write(replacement)
	m.copied = end
}

func (m *masker) object(r rule) error {
	if _, err := m.in.ReadToken(); err != nil {
		return err
	}
	for m.in.PeekKind() != '}' {
		raw, err := m.in.ReadValue()
		if err != nil {
			return err
		}
		unquoted, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return err
		}
		key := string(unquoted)
		if hidden := maskLong(key); hidden != key {
			m.replace(len(raw), quote(hidden))
		}
		if err := m.value(r.within(key)); err != nil {
			return err
		}
	}
	_, err := m.in.ReadToken()
	return err
}

func (m *masker) array(r rule) error {
	if _, err := m.in.ReadToken(); err != nil {
		return err
	}
	for m.in.PeekKind() != ']' {
		if err := m.value(r); err != nil {
			return err
		}
	}
	_, err := m.in.ReadToken()
	return err
}

// within returns the rule for the value of a key in an object that has a rule
// itself. Below variables and insights the keys are the customer's own, and
// mean nothing to us.
func (r rule) within(key string) rule {
	if r == ruleText || r == ruleKeep {
		return ruleOf(key)
	}
	return r
}

// maskScalar returns what stands in the place of a value, nil for itself.
func maskScalar(raw jsontext.Value, r rule) []byte {
	switch raw.Kind() {
	case '"':
		return maskString(raw, r)
	case '0':
		switch {
		case r == ruleNumber, r == ruleHide:
			return quote(masked)
		case r == ruleInsights && digits(raw) >= longNumber, r == ruleText && digits(raw) >= fullNumber:
			return []byte("0")
		}
	case 't', 'f':
		if r == ruleHide {
			return quote(masked)
		}
	}
	return nil
}

// digits returns how many digits a number has before its point, however it is
// written.
func digits(raw jsontext.Value) int {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return math.MaxInt
	}
	return len(strconv.FormatFloat(math.Trunc(math.Abs(f)), 'f', 0, 64))
}

func maskString(raw jsontext.Value, r rule) []byte {
	unquoted, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return quote(masked)
	}
	text := string(unquoted)
	switch r {
	case ruleHide:
		return quote(masked)
	case ruleNumber:
		return quote(maskNumber(text))
	case ruleKeep:
		return nil
	case ruleText, ruleInsights:
		if isMoment(text) {
			return nil
		}
		if m := maskLong(text); m != text {
			return quote(m)
		}
	}
	return nil
}

// quote never fails: what it is given was valid UTF-8, and so is its mask.
func quote(text string) []byte {
	q, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		return []byte(`"` + masked + `"`)
	}
	return q
}
