package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// End is what is known of the stream once it was read.
type End struct {
	// First is the sequence of the first message that the stream still holds.
	First uint64
	// AgedCalls and AgedBatch say that events of calls, and of the batch itself,
	// may have left the stream at its front. Only a row of events that begins
	// there is taken to have aged.
	AgedCalls, AgedBatch bool
	// Deleted are sequences within the stream that it does not hold any more, in
	// ascending order.
	Deleted []uint64
}

// Settle compares what the stream told with what the state holds, and says what
// came of it. It is to be called once, in the end.
func (a *Auditor) Settle(end End) Verdict {
	h := a.held
	v := &h.verdict
	counted := uint64(0) // by the calls' records
	for _, reference := range sortedKeys(a.calls[h.id]) {
		c := a.calls[h.id][reference]
		v.Calls++
		if c.want.revision == 0 {
			v.Silent++
		}
		counted += c.want.revision
		a.current = callOf(h.id, reference)
		a.settleRevisions(&c.revisions, event.ID{Store: a.store, Batch: h.id, Reference: reference},
			c.want.revision, end, end.AgedCalls)
		a.settleCall(c)
	}
	v.Events = counted + h.batch.Revision
	a.current = fmt.Sprintf("batch %s", quote(h.id))
	if counted != h.batch.Events && v.Ahead == 0 {
		a.problem("by the state its calls have had %d events, but by their records %d", h.batch.Events, counted)
	}
	b := a.batch(h.id)
	a.settleRevisions(&b.revisions, event.ID{Store: a.store, Scope: event.ScopeBatch, Batch: h.id},
		h.batch.Revision, end, end.AgedBatch)
	if v.Missing+v.Repaired+v.Ahead == 0 && !end.AgedCalls {
		for _, s := range h.shortage {
			a.current = s.current
			a.problem("the manifest has %d events, the stream %d", s.of.Events, s.stream)
			b.manifestFits = b.manifestFits && s.of != b.manifest
		}
	}
	a.current = fmt.Sprintf("batch %s", quote(h.id))
	a.settleBatch(b)
	v.Found = v.Events - v.Aged - v.Parked - v.Missing
	return *v
}

// settleRevisions tells which of the revisions up to newest have not come.
func (a *Auditor) settleRevisions(r *revisions, id event.ID, newest uint64, end End, aged bool) {
	if r.revision < newest {
		r.holes = append(r.holes, hole{r.revision + 1, newest, r.at, 0})
	}
	for _, h := range r.holes {
		// What is missing next to the front has left with it. The message before it
		// may have been read and left since.
		if aged && h.after < max(end.First, 1) {
			a.held.verdict.Aged += h.to - h.from + 1
			continue
		}
		a.settleHole(h, id, end)
	}
}

// settleHole tells of a row of revisions that have not come: of those that are
// parked, and of the rest.
func (a *Auditor) settleHole(h hole, id event.ID, end End) {
	for from := h.from; from <= h.to; {
		id.Revision = from
		if why, ok := a.held.parked[id]; ok {
			a.held.verdict.Parked++
			a.problem("revision %d is not in the stream but parked: %s", from, why)
			from++
			continue
		}
		to := h.to
		if len(a.held.parked) > 0 {
			for to = from; to < h.to; to++ {
				id.Revision = to + 1
				if _, ok := a.held.parked[id]; ok {
					break
				}
			}
		}
		a.missing(hole{from, to, h.after, h.before}, id, end)
		from = to + 1
	}
}

// missing tells of revisions that are nowhere.
func (a *Auditor) missing(h hole, id event.ID, end End) {
	v := &a.held.verdict
	v.Missing += h.to - h.from + 1
	for n := h.from; n <= h.to && len(v.Lost) < maxLost; n++ {
		id.Revision = n
		v.Lost = append(v.Lost, id)
	}
	which := fmt.Sprintf("revision %d is", h.from)
	if h.to > h.from {
		which = fmt.Sprintf("revisions %d to %d are", h.from, h.to)
	}
	a.problem("%s missing in the stream%s", which, h.where(end.Deleted))
}

// where says between which messages something is missing, and whether any was
// deleted there.
func (h hole) where(deleted []uint64) string {
	var s string
	switch {
	case h.after == 0 && h.before == 0:
		return ""
	case h.after == 0:
		s = fmt.Sprintf(", before message %d", h.before)
	case h.before == 0:
		s = fmt.Sprintf(", after message %d", h.after)
	default:
		s = fmt.Sprintf(", between messages %d and %d", h.after, h.before)
	}
	first, _ := slices.BinarySearch(deleted, h.after)
	behind := len(deleted)
	if h.before > 0 {
		behind, _ = slices.BinarySearch(deleted, h.before)
	}
	switch n := behind - first; {
	case n == 1:
		s += fmt.Sprintf("; message %d is not there any more", deleted[first])
	case n > 1:
		s += fmt.Sprintf("; %d messages are not there any more, the first %d", n, deleted[first])
	}
	return s
}

// settleCall compares the newest event of a call with its record.
func (a *Auditor) settleCall(c *call) {
	if c.revision != c.want.revision || c.revision == 0 || c.unread {
		return
	}
	if c.removed != c.want.removed {
		a.problem("%s in the state, %s by its newest event", listed(c.want.removed), listed(c.removed))
		return
	}
	for f := range fields {
		if v, known := c.end(a, f); known && v != c.want.values[f] {
			a.problem("%s is %s in the state, %s by the stream", f, a.show(c.want.values[f]), a.show(v))
		}
	}
}

func listed(removed bool) string {
	if removed {
		return "it is removed"
	}
	return "it is listed"
}

// settleBatch compares the newest events of the batch itself with its record, and
// the newest manifest with all of it.
func (a *Auditor) settleBatch(b *batch) {
	want := a.held.batch
	if b.revision != want.Revision {
		return
	}
	if b.state == told && !same(b.status, want.Status) {
		a.problem("its status is %s in the state, %s by the stream", show(want.Status), show(b.status))
	}
	if b.manifest == nil {
		return
	}
	a.held.verdict.Manifest = ManifestAgrees
	switch {
	case !b.manifestFits:
		a.held.verdict.Manifest = ManifestDiffers // as was said there
	case !want.Completed:
		a.problem("it is complete by the stream, but not in the state")
	case a.held.verdict.Ahead == 0:
		a.settleManifest(b.manifest)
	}
}

// settleManifest compares the manifest of a batch that has not changed since with
// what the state holds.
func (a *Auditor) settleManifest(m *event.Manifest) {
	want := a.held.batch
	got := [fields]map[string]int{request: m.RequestStatus, channel: m.ChannelStatus, insights: m.InsightsStatus}
	calls, counts := 0, [fields]map[string]int{request: {}, channel: {}, insights: {}}
	for _, c := range a.calls[a.held.id] {
		if c.want.removed {
			continue
		}
		calls++
		for f, count := range counts {
			if count != nil {
				count[a.word(c.want.values[f])]++
			}
		}
	}
	before := a.report.ProblemCount
	if m.Calls != calls {
		a.problem("the manifest has %d calls, the state %d", m.Calls, calls)
	}
	if m.Events != want.Events {
		a.problem("the manifest has %d events, the state %d", m.Events, want.Events)
	}
	if !samePointer(m.First, want.First) || !samePointer(m.Last, want.Last) {
		a.problem("the manifest's first and last are not those of the state")
	}
	for f := range fields {
		var differ []string
		for _, word := range sortedKeys(counts[f]) {
			if n := counts[f][word]; got[f][word] != n {
				differ = append(differ, fmt.Sprintf("%d of %s, want %d", got[f][word], quote(word), n))
			}
		}
		if len(differ) > 0 {
			a.problem("the manifest's counts by %s are not those of the state: %s", f, strings.Join(differ, ", "))
		}
	}
	if a.report.ProblemCount > before {
		a.held.verdict.Manifest = ManifestDiffers
	}
}

// word writes a value as a manifest does.
func (a *Auditor) word(v value) string {
	if text := a.known.get(v); text != nil {
		return *text
	}
	return "null"
}

func samePointer(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}
