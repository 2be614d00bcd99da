package event_test

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"github.com/syllable-notifier/notifier/event"
)

// object is a JSON object of the document.
type object map[string]any

func ref(to string) object { return object{"$ref": to} }

// channelOf is what the document says of the events of one scope.
type channelOf struct {
	name    string   // of the channel and of its message
	address string   // the subject, with its parameters in braces
	kinds   []string // of the events
	status  string   // pattern of the second part of their names
	schema  string   // of their data
	id      string   // pattern of what follows the store id
	source  string   // pattern of what follows .../batches in ce-source
	title   string
	about   string
	of      string // whose revisions these are
	example []event.Event
}

// Patterns, for which JSON Schema has ECMAScript's regular expressions.
const (
	patternToken  = `([A-Za-z0-9_-]|%[0-9A-F]{2})+`
	patternStatus = `[a-z0-9]+(_[a-z0-9]+)*`
	patternCount  = `[1-9][0-9]*`
)

// channels describes the events of all scopes. The examples are those of the
// tests.
func channels(t interface{ Fatalf(string, ...any) }) []channelOf {
	return []channelOf{
		{
			name: "call", address: "{prefix}.{kind}.{status}.{campaign}.{batch}",
			kinds:  []string{string(event.KindRequest), string(event.KindChannel), string(event.KindInsights)},
			status: patternStatus, schema: event.SchemaCall,
			id: patternToken + `\.` + patternToken, source: "/" + patternToken,
			title: "Events of calls", of: "the call",
			about: "One field of one call changed between two polls. The set of statuses is open: one that the " +
				"platform invents tomorrow makes a new name.",
			example: []event.Event{eventOf(t, failedCall()), eventOf(t, removedCall())},
		},
		{
			name: "batch", address: "{prefix}.batch.{status}.{campaign}.{batch}",
			kinds: []string{string(event.KindBatch)}, status: patternStatus, schema: event.SchemaBatch,
			id: patternToken + `\.~batch`, source: "/" + patternToken,
			title: "Events of batches", of: "the batch",
			about:   "A batch is watched, its status changed, or it is complete: every call has ended.",
			example: []event.Event{eventOfBatch(t, activeBatch()), eventOfBatch(t, completedBatch())},
		},
		{
			name: "source", address: "{prefix}.source.{status}._._",
			kinds: []string{"source"}, status: "(unreachable|recovered)", schema: event.SchemaSource,
			id: `~source\.~source`, source: "",
			title: "Events of the source", of: "the source",
			about:   "The platform does not answer as it should, or does so again. The two alternate.",
			example: []event.Event{eventOfSource(t, outage())},
		},
	}
}

// asyncAPI makes the document.
func asyncAPI(t interface{ Fatalf(string, ...any) }) []byte {
	chans, operations, messages := object{}, object{}, object{}
	for _, c := range channels(t) {
		chans[c.name] = object{
			"address": c.address, "title": c.title, "description": c.about,
			"messages":   object{c.name: ref("#/components/messages/" + c.name)},
			"parameters": c.parameters(),
		}
		operations[c.name] = object{
			"action": "send", "title": c.title, "channel": ref("#/channels/" + c.name),
			"messages": []object{ref("#/channels/" + c.name + "/messages/" + c.name)},
		}
		messages[c.name] = c.message()
	}
	doc := object{
		"asyncapi": "3.0.0",
		"info": object{
			"title": "notifier", "version": "1.0.0",
			"description": "What happens to the calls of an outbound-calling platform, as CloudEvents 1.0 in NATS " +
				"messages (binary mode), kept in a JetStream stream, SYLLABLE by default. Each event comes at least " +
				"once; work is to be done once per ce-id. Subjects are matched with * for one token and > for the rest.",
			"license": object{"name": "Apache-2.0"},
			"externalDocs": object{
				"url": "https://github.com/syllable-notifier/notifier/blob/main/docs/events.md", "description": "Reference",
			},
		},
		"defaultContentType": "application/json",
		"servers": object{"embedded": object{
			"host": "127.0.0.1:4222", "protocol": "nats",
			"description": "The server that notifier brings along, where it listens by default. It may ask for a token.",
		}},
		"channels": chans, "operations": operations, "components": object{"messages": messages},
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		t.Fatalf("asyncapi: %v", err)
	}
	return b.Bytes()
}

// parameters describes those that the address has.
func (c channelOf) parameters() object {
	all := object{
		"prefix": object{
			"default": "syllable", "description": "What the operator chose; it may have several tokens.",
		},
		"kind": object{"enum": c.kinds, "description": "Which field of the platform changed."},
		"status": object{
			"description": "The platform's status, in lower case, each run of other characters than a-z and 0-9 as " +
				"one underscore, or a word of notifier's own.",
			"examples": c.statuses(),
		},
		"campaign": object{
			"description": "The campaign's number, _ where it is not known.", "examples": []string{"1", "_"},
		},
		"batch": object{
			"description": "The platform's batch id, each byte outside A-Z a-z 0-9 _ - written %XX.",
			"examples":    []string{event.Token("20260822.9")},
		},
	}
	if c.schema == event.SchemaSource {
		all["status"] = object{
			"enum": []string{"recovered", "unreachable"}, "description": "Whether the platform answers as it should.",
		}
	}
	of := object{}
	for name, p := range all {
		if strings.Contains(c.address, "{"+name+"}") {
			of[name] = p
		}
	}
	return of
}

func (c channelOf) statuses() []string {
	var all []string
	for _, e := range c.example {
		_, status, _ := strings.Cut(e.Name, ".")
		all = append(all, status)
	}
	return all
}

func (c channelOf) message() object {
	var examples []object
	for _, e := range c.example {
		m := e.Message("syllable")
		headers := object{}
		for name, v := range m.Header {
			headers[name] = v[0]
		}
		examples = append(examples, object{
			"name": strings.ReplaceAll(e.Name, ".", "_"), "headers": headers, "payload": json.RawMessage(m.Data),
		})
	}
	return object{
		"name": c.name, "title": c.title, "contentType": "application/json",
		"headers": c.headers(), "payload": ref("schema/" + path.Base(c.schema)), "examples": examples,
	}
}

func (c channelOf) headers() object {
	id := `^[A-Za-z0-9_-]+\.` + c.id + `\.` + patternCount + `$`
	matching := func(pattern, about string) object {
		return object{"type": "string", "pattern": pattern, "description": about}
	}
	at := matching("Z$", "When it was observed, UTC.")
	at["format"] = "date-time"
	properties := object{
		event.HeaderSpecVersion: object{"const": "1.0"},
		event.HeaderID:          matching(id, "The event's id, the same on every attempt; to be compared as it stands."),
		event.HeaderType: matching(`^.+\.(`+strings.Join(c.kinds, "|")+`)\.`+c.status+`$`,
			"<prefix>.<name>; the name is the last two parts."),
		event.HeaderSource: matching(`^https?://.+/api/v1/outbound/batches`+c.source+`$`,
			"The platform's URL, a batch in it written as in the subject."),
		event.HeaderTime:        at,
		event.HeaderSequence:    matching(`^[0-9]{10,}$`, "The revision of "+c.of+", padded with zeros: sorts as text."),
		event.HeaderDataSchema:  object{"const": c.schema},
		event.HeaderContentType: object{"const": "application/json"},
		event.HeaderMsgID:       matching(id, "The same as ce-id."),
	}
	headers := object{"type": "object", "properties": properties}
	if c.schema == event.SchemaCall {
		properties[event.HeaderSubject] = matching(`^[!-~]+$`, "The call's reference id, percent-encoded.")
	} else {
		headers["not"] = object{"required": []string{event.HeaderSubject}}
	}
	var required []string
	for name := range properties {
		required = append(required, name)
	}
	headers["required"] = sorted(required)
	return headers
}
