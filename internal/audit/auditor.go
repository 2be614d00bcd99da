package audit

import (
	"fmt"
	"maps"
	"slices"

	"github.com/syllable-notifier/notifier/event"
)

// maxProblems bounds the sentences kept, since one mistake at the source can
// be a fault of every event.
const maxProblems = 100

// Auditor judges one stream. It is not safe for concurrent use.
type Auditor struct {
	// AllowBaseline says that calls and batches may have been recorded silently
	// before their first event, as those are that exist at the very first start:
	// the first "from" of their fields need not be null, a call without any
	// event is no fault, and a manifest may count more than the stream tells.
	// Set it before the first Add.
	AllowBaseline bool

	prefix  string
	store   string                      // the store id of the first event
	calls   map[string]map[string]*call // by batch and reference
	batches map[string]*batch           // those that have an event
	source  source
	known   values
	report  Report
	current string // what is being judged, the subject of the next sentence

	held     *held  // what the state holds, nil where that is not known; see NewHeld
	sequence uint64 // of the message at hand; with held alone, 0 for what waits in the outbox
	repaired bool   // the event at hand was put back into the stream; with held alone
}

// Report is what an Auditor has found.
type Report struct {
	// Events counts the messages, those that cannot be read included.
	Events int `json:"events"`
	// BatchEvents counts those of batches themselves, SourceEvents those of the
	// source.
	BatchEvents  int `json:"batch_events"`
	SourceEvents int `json:"source_events"`
	// Calls counts the calls that have an event.
	Calls int `json:"calls"`
	// Batches counts the batches that have an event, of their own or of a call.
	Batches int `json:"batches"`
	// ByName counts the events by name, such as request.failed.
	ByName map[string]int `json:"by_name"`
	// ProblemCount counts all problems.
	ProblemCount int `json:"problem_count"`
	// Problems are the first hundred, in the order in which they were found.
	// They hold ids and statuses, but nothing else of the platform's objects.
	Problems []string `json:"problems"`
}

// New returns an Auditor of a stream whose subjects have the given prefix,
// such as "syllable".
func New(prefix string) *Auditor {
	return &Auditor{
		prefix:  prefix,
		calls:   map[string]map[string]*call{},
		batches: map[string]*batch{},
		report:  Report{ByName: map[string]int{}, Problems: []string{}},
	}
}

// Add judges the next message of the stream, in stream order. It keeps
// nothing of header and data.
func (a *Auditor) Add(subject string, header map[string][]string, data []byte) {
	id, err := event.ParseID(first(header, event.HeaderID))
	a.add(raw{id, err, subject, header, data})
}

func (a *Auditor) add(raw raw) {
	a.report.Events++
	scope := raw.id.Scope
	if raw.idErr != nil {
		scope = scopeOf(raw.data)
	}
	switch scope {
	case event.ScopeBatch:
		a.report.BatchEvents++
		a.addBatch(raw)
	case event.ScopeSource:
		a.report.SourceEvents++
		a.addSource(raw)
	case event.ScopeCall:
		a.addCall(raw)
	}
}

// raw is a message as it came.
type raw struct {
	id      event.ID
	idErr   error
	subject string
	header  map[string][]string
	data    []byte
}

// begin begins to judge an event.
func (a *Auditor) begin(current string, r raw) {
	a.current = current + a.place()
	switch {
	case r.idErr != nil:
	case a.store == "":
		a.store = r.id.Store
	case a.store != r.id.Store:
		a.problem("the id is of store %s, all before it of %s: another state file", r.id.Store, a.store)
	}
}

// unreadable says that nobody knows whose event a message is.
func (a *Auditor) unreadable(r raw, err error) {
	number := any(a.report.Events)
	if a.held != nil {
		number = a.sequence
	}
	a.current = fmt.Sprintf("message %d on subject %s", number, quote(r.subject))
	a.problem("neither header %s (%v) nor the data (%v) can be read", event.HeaderID, r.idErr, err)
}

func (a *Auditor) addCall(r raw) {
	m, err := read(r)
	if err != nil {
		a.unreadable(r, err)
		return
	}
	a.begin(callAt(m.id.Batch, m.id.Reference, m.id.Revision), r)
	if a.strange(m.id) {
		return
	}
	c, b := a.call(m.id), a.batch(m.id.Batch)
	before := c.revision
	field, ok := fieldOf(m.data.Field)
	switch {
	case m.dataErr != nil:
		a.problem("the data cannot be read: %v", m.dataErr)
		c.skip(a, m.id.Revision)
		b.told(a, c.revision-before, nil)
		return
	case m.data.Field == event.FieldPresence:
		a.named(m.envelope(event.RequestRemoved), r)
		c.remove(a, m)
	case !ok:
		a.problem("the field %s is none that is tracked", quote(string(m.data.Field)))
		c.skip(a, m.id.Revision)
	default:
		a.named(m.envelope(field.name(m.data.To)), r)
		a.checkData(m)
		c.add(a, field, m)
	}
	b.told(a, c.revision-before, &m.data.Observed.Until)
}

// named counts an event by its name, and judges how it is wrapped.
func (a *Auditor) named(e envelope, r raw) {
	a.report.ByName[e.name]++
	a.checkMessage(e, r.subject, r.header)
}

// Report returns what was found so far.
func (a *Auditor) Report() Report {
	r := a.report
	r.ByName = maps.Clone(r.ByName)
	r.Problems = slices.Clone(r.Problems)
	return r
}

// problem adds a sentence about what is being judged.
func (a *Auditor) problem(format string, args ...any) {
	a.report.ProblemCount++
	if len(a.report.Problems) < maxProblems {
		a.report.Problems = append(a.report.Problems, a.current+": "+fmt.Sprintf(format, args...))
	}
}

func (a *Auditor) batch(id string) *batch {
	b := a.batches[id]
	if b == nil {
		b = &batch{}
		a.batches[id] = b
		a.report.Batches++
	}
	return b
}

func (a *Auditor) call(id event.ID) *call {
	batch := a.calls[id.Batch]
	if batch == nil {
		batch = map[string]*call{}
		a.calls[id.Batch] = batch
	}
	c := batch[id.Reference]
	if c == nil {
		c = &call{}
		batch[id.Reference] = c
		a.report.Calls++
	}
	return c
}

func callOf(batch, reference string) string {
	return fmt.Sprintf("call %s of batch %s", quote(reference), quote(batch))
}

func callAt(batch, reference string, revision uint64) string {
	return fmt.Sprintf("%s, revision %d", callOf(batch, reference), revision)
}

// quote bounds what a broken message can put into a sentence.
func quote(s string) string {
	const most = 200
	if len(s) > most {
		return fmt.Sprintf("%q and %d bytes more", s[:most], len(s)-most)
	}
	return fmt.Sprintf("%q", s)
}

// show writes a value of a field.
func show(v *string) string {
	if v == nil {
		return "null"
	}
	return quote(*v)
}

func same(a, b *string) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
