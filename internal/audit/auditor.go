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
	// AllowBaseline says that calls may have been recorded silently before
	// their first event, as those are that exist at the very first start: the
	// first "from" of their fields need not be null, and a call without any
	// event is no fault. Set it before the first Add.
	AllowBaseline bool

	prefix  string
	store   string                      // the store id of the first event
	calls   map[string]map[string]*call // by batch and reference
	batches map[string]*batch           // those that have an event
	source  source
	known   values
	report  Report
	current string // what is being judged, the subject of the next sentence
}

// Report is what an Auditor has found.
type Report struct {
	// Events counts the messages, those that cannot be read included.
	Events int `json:"events"`
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
	a.report.Events++
	if id, err := event.ParseID(first(header, event.HeaderID)); err == nil && id.Scope != event.ScopeCall {
		a.addWider(id, subject, header, data)
		return
	}
	m, err := read(header, data)
	if err != nil {
		a.current = fmt.Sprintf("message %d on subject %s", a.report.Events, quote(subject))
		a.problem("%v", err)
		return
	}
	a.current = callAt(m.id.Batch, m.id.Reference, m.id.Revision)
	if m.idErr == nil {
		a.checkStore(m.id)
	}
	if m.dataErr != nil {
		a.problem("the data cannot be read: %v", m.dataErr)
		a.call(m.id).skip(a, m.id.Revision)
		return
	}
	if m.data.Field == event.FieldPresence {
		a.report.ByName[event.RequestRemoved]++
		a.checkMessage(m.envelope(event.RequestRemoved), subject, header)
		a.batch(m.id.Batch).told(a, m.data.Observed.Until)
		a.call(m.id).remove(a, m)
		return
	}
	field, ok := fieldOf(m.data.Field)
	if !ok {
		a.problem("the field %s is none that is tracked", quote(string(m.data.Field)))
		a.call(m.id).skip(a, m.id.Revision)
		return
	}
	name := field.name(m.data.To)
	a.report.ByName[name]++
	a.checkMessage(m.envelope(name), subject, header)
	a.checkData(m)
	a.batch(m.id.Batch).told(a, m.data.Observed.Until)
	a.call(m.id).add(a, field, m)
}

// addWider judges an event of a batch itself or of the source.
func (a *Auditor) addWider(id event.ID, subject string, header map[string][]string, data []byte) {
	a.checkStore(id)
	if id.Scope == event.ScopeSource {
		a.current = fmt.Sprintf("the source, revision %d", id.Revision)
		a.source.add(a, id, subject, header, data)
		return
	}
	a.current = fmt.Sprintf("batch %s, revision %d", quote(id.Batch), id.Revision)
	a.batch(id.Batch).add(a, id, subject, header, data)
}

// checkStore wants one store id in the whole stream.
func (a *Auditor) checkStore(id event.ID) {
	switch a.store {
	case "":
		a.store = id.Store
	case id.Store:
	default:
		a.problem("the id is of store %s, all before it of %s: another state file", id.Store, a.store)
	}
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
