package audit

import (
	"slices"
	"strings"

	"github.com/syllable-notifier/notifier/event"
)

// Life is what really happened to one call.
type Life struct {
	Batch, Reference string
	// Fields holds every value that each field really had, in order, the
	// first at creation; nil is null, and a field without any is null. A
	// field that is not in the map is not compared. A Life without any value
	// has not begun.
	Fields map[event.Field][]*string
	// Removed says that the platform does not list the call any more.
	Removed bool
}

// Compare judges the whole stream against what really happened, and is to be
// called once, after the last Add and when nothing is on its way any more:
// what the events of a call told must have been so, in this order, and in the
// end the last event and the truth must agree. States that no poll saw may be
// missing. Two lives of one call are one after the other, as when a call was
// taken out of its batch and put in again.
func (a *Auditor) Compare(lives []Life) {
	existed := map[string]map[string]bool{}
	for _, l := range join(lives) {
		a.current = callOf(l.Batch, l.Reference)
		if existed[l.Batch] == nil {
			existed[l.Batch] = map[string]bool{}
		}
		existed[l.Batch][l.Reference] = l.begun()
		c := a.calls[l.Batch][l.Reference]
		if c == nil {
			if l.begun() && !l.Removed && !a.AllowBaseline {
				a.problem("it really existed, but has no event")
			}
			continue
		}
		if c.removed != l.Removed {
			a.problem("by its events it is removed: %v, but really: %v", c.removed, l.Removed)
		}
		for f := range fields {
			if values, ok := l.Fields[event.Field(f.String())]; ok {
				a.compareField(c, l, f, values)
			}
		}
	}
	for _, batch := range sortedKeys(a.calls) {
		for _, reference := range sortedKeys(a.calls[batch]) {
			if !existed[batch][reference] {
				a.current = callOf(batch, reference)
				a.problem("it has events, but never existed")
			}
		}
	}
}

// compareField compares one field's chain with the values it really had.
func (a *Auditor) compareField(c *call, l Life, f field, had []*string) {
	numbers := make([]value, len(had))
	for i, v := range had {
		numbers[i] = a.known.put(f.counts(v))
	}
	chain := slices.DeleteFunc(slices.Clone(c.steps), func(s step) bool { return s.field != f })
	if i := unmatched(chain, numbers); i < len(chain) {
		a.current = callAt(l.Batch, l.Reference, chain[i].revision)
		a.problem("%s was really never %s at that point; it was %s", f, a.show(chain[i].value), a.list(numbers))
		return
	}
	a.current = callOf(l.Batch, l.Reference)
	really := null
	if len(numbers) > 0 {
		really = numbers[len(numbers)-1]
	}
	if end, known := c.end(a, f); known && end != really {
		a.problem("%s ends as %s by its events, but really it was %s", f, a.show(end), a.list(numbers))
	}
}

// unmatched returns the index of the first step that is not borne out by the
// values the field had, and the length of the chain if there is none: the
// chain must be a subsequence of the values. To take the first match for each
// step is enough, since that leaves most values for the steps behind it.
func unmatched(chain []step, had []value) int {
	for i, s := range chain {
		at := slices.Index(had, s.value)
		if at < 0 {
			return i
		}
		had = had[at+1:]
	}
	return len(chain)
}

// end returns what a field is in the end by the events of its call, and
// whether they tell.
func (c *call) end(a *Auditor, f field) (value, bool) {
	switch {
	case c.state[f] == lost, c.removed:
		return null, false
	case f == content: // the newest event has it, of whatever field it is
		return a.known.put(c.content), true
	case c.state[f] == told:
		return c.last[f], true
	default:
		return null, !c.silent
	}
}

// join makes one life of all those of one call, in the order given.
func join(lives []Life) []Life {
	type key struct{ batch, reference string }
	at := make(map[key]int, len(lives))
	joined := make([]Life, 0, len(lives))
	for _, l := range lives {
		k := key{l.Batch, l.Reference}
		i, again := at[k]
		if !again {
			at[k] = len(joined)
			joined = append(joined, l)
			continue
		}
		both := map[event.Field][]*string{}
		for _, fields := range []map[event.Field][]*string{joined[i].Fields, l.Fields} {
			for f, values := range fields {
				both[f] = append(both[f], values...)
			}
		}
		joined[i].Fields, joined[i].Removed = both, l.Removed
	}
	return joined
}

func (l Life) begun() bool {
	for _, values := range l.Fields {
		if len(values) > 0 {
			return true
		}
	}
	return false
}

func (a *Auditor) show(v value) string { return show(a.known.get(v)) }

// list writes the newest few values.
func (a *Auditor) list(numbers []value) string {
	const most = 8
	var b strings.Builder
	if cut := len(numbers) - most; cut > 0 {
		b.WriteString("… ")
		numbers = numbers[cut:]
	}
	for i, v := range numbers {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.show(v))
	}
	if len(numbers) == 0 {
		return "nothing"
	}
	return b.String()
}
