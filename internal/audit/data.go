package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/syllable-notifier/notifier/event"
)

// checkData checks what the data says against itself: the platform's object
// in it must be of this call, and have the value that is said to be new.
func (a *Auditor) checkData(m message) {
	c := m.data
	if same(c.From, c.To) {
		a.problem("from and to are both %s: nothing changed", show(c.To))
	}
	if c.Field == event.FieldRequestStatus && c.To == nil {
		a.problem("request_status is null; absent counts as %q", pending)
	}
	a.checkObserved(c.Observed)
	a.checkReference(m)
	f, _ := fieldOf(c.Field)
	is, ok := m.value(f)
	if !ok {
		a.problem("result.%s is neither a text nor null", f)
	} else if !same(is, c.To) {
		a.problem("to is %s, but by the result %s is %s", show(c.To), f, show(is))
	}
}

func (a *Auditor) checkObserved(o event.Observed) {
	if o.After != nil && o.After.After(o.Until) {
		a.problem("observed.after is later than observed.until")
	}
}

func (a *Auditor) checkReference(m message) {
	if ref, ok := text(m.result["reference_id"]); !ok || ref == nil || *ref != m.data.ReferenceID {
		a.problem("result.reference_id is not the call's")
	}
}

// value returns what a field is by the result; ok is false if it is nothing
// that a field can be.
func (m message) value(f field) (v *string, ok bool) {
	raw := m.result[f.String()]
	if f == content {
		return fingerprint(raw), true
	}
	v, ok = text(raw)
	return f.counts(v), ok
}

// text reads a string, null or nothing.
func text(raw json.RawMessage) (*string, bool) {
	if len(raw) == 0 {
		return nil, true
	}
	var s *string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// fingerprint returns the first 16 hex digits of the SHA-256 of the compact
// insights, nil where there are none.
func fingerprint(insights json.RawMessage) *string {
	if len(insights) == 0 || string(insights) == "null" {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, insights); err != nil {
		return nil // cannot be: it was read out of valid JSON
	}
	sum := sha256.Sum256(b.Bytes())
	s := hex.EncodeToString(sum[:8])
	return &s
}

// rating returns insights.rating as a manifest counts it, nil without one.
func rating(insights json.RawMessage) *string {
	in, err := object(insights, "")
	if err != nil {
		return nil
	}
	var v any
	if json.Unmarshal(in["rating"], &v) != nil {
		return nil
	}
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case float64:
		s = strconv.FormatFloat(v, 'g', -1, 64)
	}
	if s == "" {
		return nil
	}
	return &s
}
