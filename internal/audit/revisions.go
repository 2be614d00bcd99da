package audit

import "slices"

// revisions counts the events of a call, of a batch or of the source.
type revisions struct {
	revision uint64 // of the newest event
	// Where the state is known, at is the message that brought the newest event,
	// and holes are the rows of revisions that have not come yet.
	at    uint64
	holes []hole
}

// hole is a row of revisions that are missing, and the messages before and after
// it, 0 for none.
type hole struct {
	from, to      uint64
	after, before uint64
}

// next takes in the revision of the next event of a call, of a batch or of the
// source. It says whether the event is a new one, and whether any is missing
// before it.
func (a *Auditor) next(r *revisions, revision uint64) (fresh, missing bool) {
	before := r.revision
	if revision <= before {
		a.late(r, revision)
		return false, false
	}
	missing = revision > before+1
	switch {
	case missing && a.held == nil:
		a.problem("revision %d is missing before it", before+1)
	case missing: // it may come late, so that is told in the end
		r.holes = append(r.holes, hole{before + 1, revision - 1, r.at, a.sequence})
	}
	r.revision, r.at = revision, a.sequence
	return true, missing
}

// late tells of an event that comes after a newer one.
func (a *Auditor) late(r *revisions, revision uint64) {
	switch filled := r.fill(revision); {
	case a.held == nil:
		a.problem("it comes after revision %d: repeated, or out of order", r.revision)
	case filled && a.repaired: // that is where it can be put back
	case filled:
		a.problem("it comes after revision %d: out of order", r.revision)
	default:
		a.problem("it is there a second time, after revision %d", r.revision)
	}
}

// lacks says whether a revision is missing before the newest.
func (r *revisions) lacks(revision uint64) bool {
	return slices.ContainsFunc(r.holes, func(h hole) bool { return h.from <= revision && revision <= h.to })
}

// fill takes a revision out of the holes, and says whether it was in one.
func (r *revisions) fill(revision uint64) bool {
	for i, h := range r.holes {
		if revision < h.from || revision > h.to {
			continue
		}
		var rest []hole
		if h.from < revision {
			rest = append(rest, hole{h.from, revision - 1, h.after, h.before})
		}
		if revision < h.to {
			rest = append(rest, hole{revision + 1, h.to, h.after, h.before})
		}
		r.holes = slices.Replace(r.holes, i, i+1, rest...)
		return true
	}
	return false
}
