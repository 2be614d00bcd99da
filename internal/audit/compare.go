package audit

import (
	"fmt"
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
	// Removed says that the life ended in that: the platform does not list the
	// call any more, or it is another life that it lists.
	Removed bool
}

// Compare judges the whole stream against what really happened, and is to be
// called once, after the last Add and when nothing is on its way any more:
// what the events of a call told must have been so, in this order, and in the
// end the last event and the truth must agree. States that no poll saw may be
// missing, and so may be that a call was gone for a moment. Two lives of one call
// are one after the other, as when a call was taken out of its batch and put in
// again.
func (a *Auditor) Compare(lives []Life) {
	existed := map[string]map[string]bool{}
	for _, l := range a.join(lives) {
		a.current = callOf(l.Batch, l.Reference)
		if existed[l.Batch] == nil {
			existed[l.Batch] = map[string]bool{}
		}
		existed[l.Batch][l.Reference] = l.begun
		c := a.calls[l.Batch][l.Reference]
		if c == nil {
			if l.begun && !l.removed && !a.AllowBaseline {
				a.problem("it really existed, but has no event")
			}
			continue
		}
		a.compareCall(c, l)
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

// compareCall compares what the events of one call told with its life.
func (a *Auditor) compareCall(c *call, l *joined) {
	removals := 0
	for _, s := range c.steps {
		if s.field == presence {
			removals++
		}
	}
	switch {
	case removals > l.removals:
		a.problem("by its events it was removed %s, but really %s", times(removals), times(l.removals))
		return // the rest would follow from that
	case c.unread:
	case c.removed && !l.removed:
		a.problem("by its events it is removed, but really it is listed")
		return
	case !c.removed && l.removed:
		a.problem("by its events it is listed, but really it is removed")
		return
	}
	for f := range fields {
		if l.known[f] && !a.compareField(c, l, f) {
			return
		}
	}
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// compareField compares one field's chain with the values it really had. It says
// whether the other fields are worth a look.
func (a *Auditor) compareField(c *call, l *joined, f field) bool {
	had := l.values[f]
	chain := slices.DeleteFunc(slices.Clone(c.steps), func(s step) bool { return s.field != f && s.field != presence })
	if i := unmatched(chain, had); i < len(chain) {
		a.current = callAt(l.Batch, l.Reference, chain[i].revision)
		if chain[i].field == presence {
			a.problem("it was really not removed at that point; %s was %s", f, a.list(had))
			return false
		}
		a.problem("%s was really never %s at that point; it was %s", f, a.show(chain[i].value), a.list(had))
		return true
	}
	a.current = callOf(l.Batch, l.Reference)
	really := null
	if len(had) > 0 {
		really = had[len(had)-1]
	}
	if really == gone {
		return true // the life after that says nothing of the field
	}
	if end, known := c.end(a, f); known && end != really {
		a.problem("%s ends as %s by its events, but really it was %s", f, a.show(end), a.list(had))
	}
	return true
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

// joined is all lives of one call, one after the other.
type joined struct {
	Batch, Reference string
	begun, removed   bool // any of them has; the last one was
	removals         int  // how often a life ended in that
	// values are those that each field had, with gone where the call was
	// removed; known says of which fields there are any.
	values [fields][]value
	known  [fields]bool
}

// join makes one of all lives of each call, in the order given.
func (a *Auditor) join(lives []Life) []*joined {
	type key struct{ batch, reference string }
	at := make(map[key]*joined, len(lives))
	all := make([]*joined, 0, len(lives))
	for _, l := range lives {
		k := key{l.Batch, l.Reference}
		j := at[k]
		if j == nil {
			j = &joined{Batch: l.Batch, Reference: l.Reference}
			at[k] = j
			all = append(all, j)
		}
		j.append(a, l)
	}
	return all
}

func (j *joined) append(a *Auditor, l Life) {
	j.begun = j.begun || l.begun()
	if j.removed = l.Removed; l.Removed {
		j.removals++
	}
	for f := range fields {
		had, known := l.Fields[event.Field(f.String())]
		j.known[f] = j.known[f] || known
		for _, v := range had {
			j.values[f] = append(j.values[f], a.known.put(f.counts(v)))
		}
		if l.Removed {
			j.values[f] = append(j.values[f], gone)
		}
	}
}

func (l Life) begun() bool {
	for _, values := range l.Fields {
		if len(values) > 0 {
			return true
		}
	}
	return false
}

func (a *Auditor) show(v value) string {
	if v == gone {
		return "removed"
	}
	return show(a.known.get(v))
}

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
