package audit

import (
	"fmt"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// Batch is what the state holds of a batch.
type Batch struct {
	// Revision is how many events the batch itself has had, Status the newest.
	Revision uint64
	Status   *string
	// Completed says that it was found complete, and nothing has changed since.
	Completed bool
	// Events is how many events its calls have had, and First and Last are when
	// the first and the last of them was observed.
	Events      uint64
	First, Last *time.Time
}

// Call is what the state holds of a call.
type Call struct {
	// Revision is how many events it has had, 0 for one that was recorded silently.
	Revision uint64
	// Removed says that the platform does not list it any more.
	Removed bool
	// The newest values, the fingerprint of the insights being Content.
	Request, Channel, Insights, Content *string
}

// held is what the state holds of the one batch that is judged, and what was found
// by comparing the stream with it.
type held struct {
	id       string
	batch    Batch
	back     map[event.ID]bool   // what was put back into the stream
	parked   map[event.ID]string // what cannot be in the stream, and why
	shortage []shortage
	verdict  Verdict
}

// record is a Call, its values numbered.
type record struct {
	revision uint64
	removed  bool
	values   [fields]value
}

// shortage is that a manifest has more events than the stream before it, which is
// a problem of its own unless some of them are found missing.
type shortage struct {
	current string
	of      *event.Manifest
	stream  uint64
}

// Verdict counts what a batch's events are, as far as its state tells of them.
type Verdict struct {
	// Calls are those on record, Silent those of them without events.
	Calls, Silent int
	// Events are those that the state tells of, of calls and of the batch itself:
	// each of them is Found (in the stream, or waiting for it), Aged (it has left
	// the stream at its front), Parked or Missing.
	Events, Found, Aged, Parked, Missing uint64
	// Waiting of those that were found are in the outbox alone, and Repaired were
	// put back into the stream behind later ones.
	Waiting, Repaired uint64
	// Newer came after the look at the state, and Others are of other state files.
	Newer, Others uint64
	// Ahead are in the stream although the state does not tell of them.
	Ahead uint64
	// Manifest says what became of the newest manifest.
	Manifest Manifest
	// Lost are the ids of the missing ones, the first 10,000.
	Lost []event.ID
}

// Manifest says what became of a batch's newest manifest.
type Manifest string

// Manifests: there is none to compare, all it counts is so, or it is not.
const (
	ManifestNone    Manifest = "none"
	ManifestAgrees  Manifest = "agrees"
	ManifestDiffers Manifest = "differs"
)

// maxLost bounds Verdict.Lost.
const maxLost = 10_000

// NewHeld returns an Auditor that judges the events of one batch against what the
// state with that store id holds of it. Tell it the state with HoldBatch and Hold,
// then the messages with AddAt, what waits for the stream with AddWaiting, and
// then ask it with Settle. Its sentences say where in the stream something is.
func NewHeld(prefix, store, batch string) *Auditor {
	a := New(prefix)
	a.AllowBaseline = true
	a.store = store
	a.held = &held{id: batch, back: map[event.ID]bool{}, parked: map[event.ID]string{}}
	a.held.verdict.Manifest = ManifestNone
	a.calls[batch] = map[string]*call{}
	return a
}

// HoldBatch takes in what the state holds of the batch.
func (a *Auditor) HoldBatch(b Batch) { a.held.batch = b }

// Hold takes in what the state holds of a call.
func (a *Auditor) Hold(reference string, c Call) {
	r := &record{revision: c.Revision, removed: c.Removed}
	for f, v := range [fields]*string{request: c.Request, channel: c.Channel, insights: c.Insights, content: c.Content} {
		r.values[f] = a.known.put(v)
	}
	a.calls[a.held.id][reference] = &call{want: r}
}

// Park says that an event cannot be in the stream, and why.
func (a *Auditor) Park(id event.ID, why string) { a.held.parked[id] = why }

// PutBack says that an event was missing and was published again: it comes late,
// and that is no fault.
func (a *Auditor) PutBack(id event.ID) { a.held.back[id] = true }

// AddAt judges the message with that sequence, in stream order. Sure says that it
// was in the stream before the state was looked at, which then must tell of it;
// what the state does not tell of is newer otherwise, and not judged.
func (a *Auditor) AddAt(sequence uint64, sure bool, subject string, header map[string][]string, data []byte) {
	a.sequence = sequence
	id, err := event.ParseID(first(header, event.HeaderID))
	switch {
	case err != nil: // said when it is judged
	case id.Store != a.store:
		a.held.verdict.Others++
		return
	case id.Batch == a.held.id && id.Revision > a.told(id) && sure:
		a.held.verdict.Ahead++
		a.current = nameOf(id) + a.place()
		a.problem("the state tells of %d of its events only: it is older than the stream", a.told(id))
		return
	case id.Batch == a.held.id && id.Revision > a.told(id):
		a.held.verdict.Newer++
		return
	}
	a.add(raw{id, err, subject, header, data})
}

// AddWaiting takes in an event that waits for the stream, in the order of the
// outbox. One that the stream holds already is passed over: it was published
// since, or its ack was lost.
func (a *Auditor) AddWaiting(e event.Event) {
	a.sequence = 0
	if r := a.revisionsOf(e.ID); r == nil || e.ID.Revision <= r.revision && !r.lacks(e.ID.Revision) {
		return
	}
	a.held.verdict.Waiting++
	m := e.Message(a.prefix)
	a.add(raw{e.ID, nil, m.Subject, m.Header, m.Data})
}

// told returns how many events of a call, or of the batch, the state tells of.
func (a *Auditor) told(id event.ID) uint64 {
	if id.Scope == event.ScopeBatch {
		return a.held.batch.Revision
	}
	if c := a.calls[id.Batch][id.Reference]; c != nil && c.want != nil {
		return c.want.revision
	}
	return 0
}

// revisionsOf returns what has come of a call, or of the batch; nil for what the
// state does not know.
func (a *Auditor) revisionsOf(id event.ID) *revisions {
	if id.Scope == event.ScopeBatch {
		return &a.batch(id.Batch).revisions
	}
	if c := a.calls[id.Batch][id.Reference]; c != nil {
		return &c.revisions
	}
	return nil
}

// strange takes in whose event is at hand, and tells of one that should not be
// there.
func (a *Auditor) strange(id event.ID) bool {
	if a.held == nil {
		return false
	}
	id.Store = a.store // the header's is judged by itself
	a.repaired = a.held.back[id]
	switch {
	case id.Batch != a.held.id:
		a.problem("it is on a subject of batch %s", quote(a.held.id))
		return true
	case a.revisionsOf(id) == nil:
		a.problem("the state does not have this call")
		return true
	case id.Revision > a.told(id):
		a.problem("the state tells of %d of its events only", a.told(id))
		return true
	}
	if a.repaired {
		a.held.verdict.Repaired++
	}
	return false
}

// place says where the event at hand is.
func (a *Auditor) place() string {
	switch {
	case a.held == nil:
		return ""
	case a.sequence == 0:
		return " (waiting for the stream)"
	}
	return fmt.Sprintf(" (message %d)", a.sequence)
}

func nameOf(id event.ID) string {
	if id.Scope == event.ScopeBatch {
		return batchAt(id.Batch, id.Revision)
	}
	return callAt(id.Batch, id.Reference, id.Revision)
}
