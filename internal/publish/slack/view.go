package slack

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// maxMetadataID is how long an event id may be in a message's metadata, in
// bytes; Slack does not say how much metadata it takes.
const maxMetadataID = 512

// maxAttempts is more than anyone calls one number; what is more is no count.
const maxAttempts = 9_999

// view is what a message says of a call, as clean text in which the call's
// own number is masked, and not yet cut to any length. What is not known is
// empty.
type view struct {
	headline string
	summary  string
	rating   string
	insights []row // the customer's other ones, by key
	// reference, phone and attempts identify the call for a person.
	reference, phone, attempts string
	batch, campaign            string
	// called is when the last attempt began; seen is when the insights were
	// observed.
	called, seen time.Time
	// eventID is for the metadata.
	eventID string
}

type row struct{ label, value string }

// viewOf reads the platform's object. Any field may be missing or of another
// type than documented: then it is left out, or shown as it is.
func viewOf(e event.Event, c event.Call) view {
	result := object(c.Result)
	target := text(result["target"])
	mask := newMasker(target)
	show := func(s string) string { return mask.hide(oneLine(s)) }
	insights := object(result["insights"])
	v := view{
		headline:  headline(show(text(result["request_status"])), show(text(result["channel_manager_status"]))),
		summary:   mask.hide(clean(text(insights["summary"]))),
		rating:    show(text(insights["rating"])),
		reference: show(c.ReferenceID),
		batch:     show(c.BatchID),
		seen:      cmp.Or(c.Observed.Until, e.Time),
		eventID:   metadataID(e.ID, mask),
	}
	for _, key := range slices.Sorted(maps.Keys(insights)) {
		if key == "summary" || key == "rating" {
			continue
		}
		if value := show(text(insights[key])); value != "" {
			v.insights = append(v.insights, row{cmp.Or(humanise(show(key)), "Unnamed"), value})
		}
	}
	if target != "" {
		v.phone = maskPhone(oneLine(target))
	}
	if n, err := strconv.Atoi(text(result["attempt_count"])); err == nil && 0 <= n && n <= maxAttempts {
		v.attempts = strconv.Itoa(n)
	}
	if c.CampaignID != nil {
		v.campaign = strconv.FormatInt(*c.CampaignID, 10)
	}
	// What is no time is left zero, and a zero time is not shown.
	v.called, _ = time.Parse(time.RFC3339, text(result["sent_at"]))
	return v
}

// metadataID is the event's id, by which its message can be found. It is the
// hash of it where the id is overlong, or holds the number of the call, which
// some customers use as reference.
func metadataID(id event.ID, mask masker) string {
	s := id.String()
	if len(s) <= maxMetadataID && !mask.finds(oneLine(id.Batch)) && !mask.finds(oneLine(id.Reference)) {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// object reads a JSON object; what is none has no fields.
func object(raw json.RawMessage) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	return fields
}

// text shows a JSON value: a string by its content, null and what is missing
// as nothing, a number as it is written, everything else as JSON in which only
// what must be is escaped, so that a number in it is found.
func text(raw json.RawMessage) string {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return ""
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return ""
	}
	return b.String()
}
