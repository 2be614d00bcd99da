package audit

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/syllable-notifier/notifier/event"
)

// message is what can be read of one message.
type message struct {
	// id is the event's: batch, reference and revision from the data where
	// that can be read, since the data is what subscribers act on.
	id      event.ID
	idErr   error
	data    event.Call
	dataErr error
	result  map[string]json.RawMessage
}

// read reads the message of a call. It gives up only if neither id nor data can
// be read: then nobody knows of which call it is.
func read(r raw) (message, error) {
	m := message{id: r.id, idErr: r.idErr}
	m.data, m.result, m.dataErr = readData(r.data)
	if m.idErr != nil && m.dataErr != nil {
		return m, m.dataErr
	}
	if m.dataErr == nil {
		m.id.Batch, m.id.Reference, m.id.Revision = m.data.BatchID, m.data.ReferenceID, m.data.Revision
	}
	return m, nil
}

// scopeOf guesses whose event a message is from its data, where the id does not
// say so.
func scopeOf(data []byte) event.Scope {
	top, err := object(data, "")
	if err != nil || top["reference_id"] != nil {
		return event.ScopeCall
	}
	switch {
	case top["batch"] != nil:
		return event.ScopeBatch
	case top["failed_polls"] != nil:
		return event.ScopeSource
	}
	return event.ScopeCall
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func first(header map[string][]string, name string) string {
	if v := header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

var (
	errNotUnicode = errors.New("it is not valid UTF-8")
	errNoID       = errors.New("batch_id or reference_id is empty, or revision is 0")
)

// readData reads the data. A field that is missing is an error here: null is
// a value, absent is none.
func readData(data []byte) (event.Call, map[string]json.RawMessage, error) {
	var c event.Call
	if !utf8.Valid(data) {
		return c, nil, errNotUnicode
	}
	top, err := object(data, "", "batch_id", "campaign_id", "reference_id", "field", "from", "to", "revision",
		"observed", "result")
	if err != nil {
		return c, nil, err
	}
	if err := readObserved(top["observed"]); err != nil {
		return c, nil, err
	}
	result, err := object(top["result"], "result.", "reference_id")
	if err != nil {
		return c, nil, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, nil, err
	}
	if c.BatchID == "" || c.ReferenceID == "" || c.Revision == 0 {
		return c, nil, errNoID
	}
	return c, result, nil
}

func readObserved(observed json.RawMessage) error {
	_, err := object(observed, "observed.", "after", "until")
	return err
}

// object reads a JSON object that must have the given fields.
func object(data []byte, path string, want ...string) (map[string]json.RawMessage, error) {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(strings.TrimSuffix(path, "."), "data"), err)
	}
	for _, name := range want {
		if _, ok := o[name]; !ok {
			return nil, fmt.Errorf("%s%s is missing", path, name)
		}
	}
	return o, nil
}

// envelope is what subject and headers of a message are made of.
type envelope struct {
	id       event.ID
	idErr    error
	name     string
	campaign *int64
	time     time.Time // zero: not known
}

func (m message) envelope(name string) envelope {
	return envelope{m.id, m.idErr, name, m.data.CampaignID, m.data.Observed.Until}
}

// checkMessage compares subject and headers with those that an event of this
// data has. It takes the data's word: what disagrees with it is the fault.
func (a *Auditor) checkMessage(e envelope, subject string, header map[string][]string) {
	want := event.Event{
		ID: e.id, Name: e.name, Source: first(header, event.HeaderSource), CampaignID: e.campaign, Time: e.time,
	}
	if e.idErr != nil {
		want.ID.Store = a.store
	}
	msg := want.Message(a.prefix)
	told := strings.TrimPrefix(first(header, event.HeaderType), a.prefix+".")
	if subject != msg.Subject && subject != event.Subject(a.prefix, told, e.campaign, e.id.Batch) {
		a.problem("the subject is %s, want %s", quote(subject), msg.Subject)
	}
	for _, h := range headers() {
		want := msg.Header[h]
		switch got := header[h]; {
		case len(got) == 0 && len(want) == 0: // ce-subject is of calls alone
		case len(got) == 0:
			a.problem("header %s is missing", h)
		case len(want) == 0:
			a.problem("header %s is %s, want none", h, quote(got[0]))
		case len(got) > 1:
			a.problem("header %s has %d values", h, len(got))
		case h == event.HeaderMsgID && got[0] == first(header, event.HeaderID):
			// As the contract has it; whether ce-id is right is said there.
		case h == event.HeaderTime && e.time.IsZero():
		case got[0] != want[0]:
			a.problem("header %s is %s, want %s", h, quote(got[0]), quote(want[0]))
		}
	}
	a.checkSource(first(header, event.HeaderSource), e.id.Batch)
	a.checkFurtherHeaders(header)
}

// headers are the headers of an event, all of them, in the contract's order.
func headers() []string {
	return []string{
		event.HeaderSpecVersion, event.HeaderID, event.HeaderType, event.HeaderSource, event.HeaderSubject,
		event.HeaderTime, event.HeaderSequence, event.HeaderDataSchema, event.HeaderContentType, event.HeaderMsgID,
	}
}

// checkSource wants the batch under any API base.
func (a *Auditor) checkSource(source, batch string) {
	base, ok := strings.CutSuffix(source, event.Source("", batch))
	u, err := url.Parse(base)
	if source == "" { // said to be missing already
		return
	}
	if !ok || err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.HasSuffix(base, "/") {
		a.problem("header %s is %s, want <API base>%s", event.HeaderSource, quote(source), event.Source("", batch))
	}
}

// checkFurtherHeaders wants no CloudEvents attribute that the contract does
// not name. Other headers may be added on the way, by the server for one.
func (a *Auditor) checkFurtherHeaders(header map[string][]string) {
	ours := headers()
	for _, h := range sortedKeys(header) {
		if strings.HasPrefix(strings.ToLower(h), "ce-") && !slices.Contains(ours, h) {
			a.problem("header %s is none of an event's; they are lower case", quote(h))
		}
	}
}
