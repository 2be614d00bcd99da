package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The CloudEvents attributes as NATS headers, lower case, and the two further
// headers of an event. NATS headers are case-sensitive.
const (
	HeaderSpecVersion = "ce-specversion"
	HeaderID          = "ce-id"
	HeaderType        = "ce-type"
	HeaderSource      = "ce-source"
	HeaderSubject     = "ce-subject"
	HeaderTime        = "ce-time"
	HeaderSequence    = "ce-sequence"
	HeaderDataSchema  = "ce-dataschema"
	HeaderContentType = "Content-Type"
	HeaderMsgID       = "Nats-Msg-Id"
)

const (
	specVersion = "1.0"
	contentType = "application/json"
)

// The JSON Schemas of the data of events; the documents are in docs/schema of
// the project.
const (
	schemaBase   = "https://raw.githubusercontent.com/syllable-notifier/notifier/main/docs/schema/"
	SchemaCall   = schemaBase + "call.v1.json"
	SchemaBatch  = schemaBase + "batch.v1.json"
	SchemaSource = schemaBase + "source.v1.json"
)

// Event is one event: one field of one call changed between two polls, or
// something happened to a batch, or to the source of all.
type Event struct {
	ID ID
	// Name is <kind>.<status>, such as request.failed; see [Name].
	Name string
	// Source is the platform's URL of the batch, or of all batches in an event
	// of the source; see [Source].
	Source string
	// CampaignID is the batch's campaign, nil where it is not known.
	CampaignID *int64
	// Time is when the change was observed.
	Time time.Time
	// Data is the JSON of a [Call], a [Batch] or an [Outage], as the scope of
	// the id says.
	Data json.RawMessage
}

// Message is an event as it travels over NATS. Header has the type of
// nats.Header, into which it can be converted.
type Message struct {
	Subject string
	Header  map[string][]string
	Data    []byte
}

// Source returns the ce-source of a batch's events: the URL of the batch
// under the API's base URL, the batch encoded as a subject token is. Without a
// batch it is the ce-source of the source's own events, the URL of the list.
func Source(apiBase, batch string) string {
	all := strings.TrimRight(apiBase, "/") + "/api/v1/outbound/batches"
	if batch == "" {
		return all
	}
	return all + "/" + Token(batch)
}

// Subject returns the NATS subject of an event:
//
//	<prefix>.<kind>.<status>.<campaign>.<batch>
func Subject(prefix, name string, campaign *int64, batch string) string {
	c := unknownToken
	if campaign != nil {
		c = strconv.FormatInt(*campaign, 10)
	}
	b := unknownToken
	if batch != "" {
		b = Token(batch)
	}
	return prefix + "." + name + "." + c + "." + b
}

// Message encodes the event for the subject prefix given, such as "syllable".
func (e Event) Message(prefix string) Message {
	id := e.ID.String()
	m := Message{
		Subject: Subject(prefix, e.Name, e.CampaignID, e.ID.Batch),
		Header: map[string][]string{
			HeaderSpecVersion: {specVersion},
			HeaderID:          {id},
			HeaderType:        {prefix + "." + e.Name},
			HeaderSource:      {e.Source},
			HeaderTime:        {e.Time.UTC().Format(time.RFC3339Nano)},
			HeaderSequence:    {fmt.Sprintf("%010d", e.ID.Revision)},
			HeaderDataSchema:  {e.schema()},
			HeaderContentType: {contentType},
			HeaderMsgID:       {id},
		},
		Data: e.Data,
	}
	if e.ID.Scope == ScopeCall {
		m.Header[HeaderSubject] = []string{headerValue(e.ID.Reference)}
	}
	return m
}

func (e Event) schema() string {
	switch e.ID.Scope {
	case ScopeBatch:
		return SchemaBatch
	case ScopeSource:
		return SchemaSource
	case ScopeCall:
	}
	return SchemaCall
}

// Decode reads an event from the headers and the body of a NATS message.
// A nats.Header can be passed as it is. Its errors say which header is
// wrong; whether the data fits the name is left to [Event.Call],
// [Event.Batch] and [Event.Outage].
func Decode(header map[string][]string, data []byte) (Event, error) {
	var e Event
	h := func(name string) string {
		if v := header[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	if v := h(HeaderSpecVersion); v != specVersion {
		return e, fmt.Errorf("header %s is %q, want %q: not an event of ours", HeaderSpecVersion, v, specVersion)
	}
	id, err := ParseID(h(HeaderID))
	if err != nil {
		return e, fmt.Errorf("header %s: %w", HeaderID, err)
	}
	reference, err := percentDecode(h(HeaderSubject))
	if err != nil {
		return e, fmt.Errorf("header %s: %w", HeaderSubject, err)
	}
	if !utf8.ValidString(reference) {
		return e, fmt.Errorf("header %s is %q: percent-decoded it is not valid UTF-8", HeaderSubject, h(HeaderSubject))
	}
	if reference != id.Reference { // both are empty unless it is a call's
		return e, fmt.Errorf("header %s is %q, but the id is of %q", HeaderSubject, reference, id.Reference)
	}
	at, err := time.Parse(time.RFC3339, h(HeaderTime))
	if err != nil {
		return e, fmt.Errorf("header %s: %w", HeaderTime, err)
	}
	name, err := nameOfType(h(HeaderType))
	if err != nil {
		return e, fmt.Errorf("header %s: %w", HeaderType, err)
	}
	e = Event{ID: id, Name: name, Source: h(HeaderSource), Time: at.UTC(), Data: data}
	var known struct {
		CampaignID *int64 `json:"campaign_id"`
	}
	if err := json.Unmarshal(data, &known); err != nil {
		return e, fmt.Errorf("event %s: data: %w", id.Redacted(), err)
	}
	e.CampaignID = known.CampaignID
	return e, nil
}

// nameOfType takes the prefix off a ce-type: the name is its last two parts.
func nameOfType(t string) (string, error) {
	part := strings.Split(t, ".")
	if len(part) < 3 {
		return "", fmt.Errorf("%q: want <prefix>.<kind>.<status>", t)
	}
	for _, p := range part {
		if p == "" {
			return "", fmt.Errorf("%q has an empty part", t)
		}
	}
	return strings.Join(part[len(part)-2:], "."), nil
}

var errNotCall = errors.New("not the data of a call event")

// Call decodes the data of a call event.
func (e Event) Call() (Call, error) {
	var c Call
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return c, fmt.Errorf("event %s: data: %w", e.ID.Redacted(), err)
	}
	if e.ID.Scope != ScopeCall ||
		c.BatchID != e.ID.Batch || c.ReferenceID != e.ID.Reference || c.Revision != e.ID.Revision {
		return c, fmt.Errorf("event %s: %w", e.ID.Redacted(), errNotCall)
	}
	return c, nil
}
