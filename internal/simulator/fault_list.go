package simulator

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// object is one of a list. Its keys lose their order when it is changed.
type object map[string]json.RawMessage

// list is a body that lists objects, or that is one object.
type list struct {
	items  []json.RawMessage
	page   object // around the items; nil: there is none
	single bool   // the body is the one item
}

// readList takes a body apart.
func readList(body []byte) (l list, ok bool) {
	if json.Unmarshal(body, &l.items) == nil {
		return l, l.items != nil
	}
	var page object
	if json.Unmarshal(body, &page) != nil || page == nil {
		return l, false
	}
	if json.Unmarshal(page["items"], &l.items) == nil {
		l.page = page
		return l, l.items != nil
	}
	l.items, l.single = []json.RawMessage{body}, true
	return l, true
}

func (l list) encode() []byte {
	if l.single {
		return l.items[0]
	}
	if l.page == nil {
		return encode(l.items)
	}
	l.page["items"] = encode(l.items)
	return encode(l.page)
}

// give answers with the list. It carries no validator: the ones of the true
// body are not its own.
func (h *hit) give(l list) bool { return h.replace(jsonType, l.encode()) }

// onList spoils lists.
func onList(change func(*hit, *list) bool) func(*hit) bool {
	return func(h *hit) bool {
		l, ok := readList(h.truth.body.Bytes())
		return ok && h.fine() && !l.single && len(l.items) > 0 && change(h, &l) && h.give(l)
	}
}

func emptied(_ *hit, l *list) bool {
	l.items = []json.RawMessage{}
	for _, count := range []string{"total_count", "total_pages"} {
		if l.page[count] != nil {
			l.page[count] = json.RawMessage("0")
		}
	}
	return true
}

func shrunk(h *hit, l *list) bool {
	kept := l.items[:0]
	away := h.random.IntN(3)
	for i, item := range l.items {
		if i%3 != away {
			kept = append(kept, item)
		}
	}
	changed := len(kept) < len(l.items)
	l.items = kept
	return changed
}

func shuffled(h *hit, l *list) bool {
	before := slices.Clone(l.items)
	h.random.Shuffle(len(l.items), func(i, j int) { l.items[i], l.items[j] = l.items[j], l.items[i] })
	return !slices.EqualFunc(before, l.items, func(a, b json.RawMessage) bool { return &a[0] == &b[0] })
}

// duplicated puts a second version of one item anywhere into the list.
func duplicated(h *hit, l *list) bool {
	o := readObject(l.items[h.random.IntN(len(l.items))])
	if o == nil {
		return false
	}
	switch field := statusField(o); {
	case field == "":
		o["description"] = quoted("another version")
	case o.text(field) == reqFailed:
		o[field] = quoted(reqCompleted)
	case field == "status" && o.text(field) == batchActive:
		o[field] = quoted(batchPaused)
	case field == "status":
		o[field] = quoted(batchActive)
	default:
		o[field] = quoted(reqFailed)
	}
	l.items = slices.Insert(l.items, h.random.IntN(len(l.items)+1), json.RawMessage(encode(o)))
	return true
}

// onObjects spoils objects, in a list or alone. An object that change returns
// false for stays as it is.
func onObjects(change func(*hit, object) bool) func(*hit) bool {
	return func(h *hit) bool {
		l, ok := readList(h.truth.body.Bytes())
		if !ok || !h.fine() {
			return false
		}
		changed := false
		for i, item := range l.items {
			if o := readObject(item); o != nil && change(h, o) {
				l.items[i], changed = encode(o), true
			}
		}
		return changed && h.give(l)
	}
}

// oneIn says whether an object is among the few that are spoilt. The first
// one is, so that something is.
func (h *hit) oneIn(n int) bool {
	h.seen++
	return h.seen == 1 || h.random.IntN(n) == 0
}

func unknownStatus(h *hit, o object) bool {
	field := statusField(o)
	if field == "" || !h.oneIn(20) {
		return false
	}
	status := h.argument
	if status == "" {
		status = "REROUTED"
	}
	o[field] = quoted(status)
	return true
}

// earlier is what a status may have been before.
var earlier = map[string]map[string]string{
	"request_status": {
		reqCompleted: reqInitiated, reqFailed: reqInitiated, reqConnected: reqInitiated, reqInitiated: reqPending,
	},
	"status": {batchActive: batchPending, batchExpired: batchActive, batchPaused: batchActive},
}

func backwards(h *hit, o object) bool {
	field := statusField(o)
	before := earlier[field][o.text(field)]
	if before == "" || !h.oneIn(20) {
		return false
	}
	o[field] = quoted(before)
	switch {
	case field == "status":
	case before == reqPending:
		o["channel_manager_status"] = json.RawMessage("null")
	default:
		o["channel_manager_status"] = quoted(chQueued)
	}
	return true
}

func skewed(h *hit, o object) bool {
	by := -5 * time.Hour
	if h.argument != "" {
		by, _ = time.ParseDuration(h.argument) // it was checked
	}
	changed := false
	for key := range o {
		if !strings.HasSuffix(key, "_at") && !strings.HasSuffix(key, "_on") {
			continue
		}
		if t, err := time.Parse(time.RFC3339, o.text(key)); err == nil {
			o[key], changed = quoted(stamp(t.Add(by))), true
		}
	}
	return changed
}

// statusField names the field that holds the status of a call or of a batch.
func statusField(o object) string {
	for _, name := range []string{"request_status", "status"} {
		if o[name] != nil {
			return name
		}
	}
	return ""
}

func readObject(raw json.RawMessage) object {
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return nil
	}
	return o
}

func (o object) text(key string) string {
	var text string
	_ = json.Unmarshal(o[key], &text) // what is no text is none of ours
	return text
}

func quoted(text string) json.RawMessage { return encode(text) }
