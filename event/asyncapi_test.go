package event_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// TestAsyncAPI makes the AsyncAPI document anew and compares it with the one that
// is checked in:
//
//	go test ./event -run 'Schema|AsyncAPI' -update
//
// It is not parallel, since it may write a file that other tests read.
func TestAsyncAPI(t *testing.T) {
	const path = "../docs/asyncapi.json"
	want := asyncAPI(t)
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Fatalf("docs/asyncapi.json is not of this package: run go test ./event -run AsyncAPI -update "+
			"(-want +got):\n%s", d)
	}
	var doc map[string]any
	if err := json.Unmarshal(got, &doc); err != nil {
		t.Fatal(err)
	}
	t.Run("references", func(t *testing.T) { t.Parallel(); followReferences(t, doc, doc) })
	for _, c := range channels(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := readChannel(t, doc, c.name)
			d.acceptsEvents(t)
			d.acceptsExamples(t)
			d.refuses(t)
		})
	}
}

// followReferences looks up every $ref, in the document or in a file beside it.
func followReferences(t *testing.T, doc map[string]any, v any) {
	t.Helper()
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			followReferences(t, doc, inner)
		}
	case map[string]any:
		if to, ok := v["$ref"].(string); ok {
			resolve(t, doc, to)
			return
		}
		for _, inner := range v {
			followReferences(t, doc, inner)
		}
	}
}

func resolve(t *testing.T, doc map[string]any, to string) any {
	t.Helper()
	pointer, inside := strings.CutPrefix(to, "#/")
	if !inside {
		raw, err := os.ReadFile(filepath.Join("..", "docs", to))
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s: %v", to, err)
		}
		return v
	}
	var at any = doc
	for part := range strings.SplitSeq(pointer, "/") {
		o, ok := at.(map[string]any)
		if ok {
			at, ok = o[part]
		}
		if !ok {
			t.Fatalf("%s: there is no %s", to, part)
		}
		if o, ok := at.(map[string]any); ok {
			if to, ok := o["$ref"].(string); ok {
				at = resolve(t, doc, to)
			}
		}
	}
	return at
}

// documented is a channel as a program reads it that has nothing but the
// document.
type documented struct {
	name             string
	subject          *regexp.Regexp
	headers, payload *validator.Schema
	examples         []example
}

type example struct {
	Headers map[string]any
	Payload json.RawMessage
}

func readChannel(t *testing.T, doc map[string]any, name string) documented {
	t.Helper()
	operation, _ := resolve(t, doc, "#/operations/"+name).(map[string]any)
	if operation["action"] != "send" {
		t.Errorf("operation %s does not send", name)
	}
	address, _ := resolve(t, doc, "#/operations/"+name+"/channel/address").(string)
	parameters, _ := resolve(t, doc, "#/channels/"+name+"/parameters").(map[string]any)
	pattern := regexp.QuoteMeta(address)
	for p, about := range parameters {
		is := patternToken
		if p == "prefix" {
			is = `[a-z.]+`
		}
		if values, ok := about.(map[string]any)["enum"].([]any); ok {
			var words []string
			for _, v := range values {
				words = append(words, v.(string))
			}
			is = strings.Join(words, "|")
		}
		with := strings.ReplaceAll(pattern, `\{`+p+`\}`, "("+is+")")
		if with == pattern {
			t.Errorf("parameter %s is not in the address %s", p, address)
		}
		pattern = with
	}
	message := "#/channels/" + name + "/messages/" + name
	schema, err := json.Marshal(resolve(t, doc, message+"/payload"))
	if err != nil {
		t.Fatal(err)
	}
	headers, err := json.Marshal(resolve(t, doc, message+"/headers"))
	if err != nil {
		t.Fatal(err)
	}
	d := documented{
		name: name, subject: regexp.MustCompile("^" + pattern + "$"),
		headers: compileSchema(t, "https://example.com/headers", headers),
		payload: compileSchema(t, "https://example.com/payload", schema),
	}
	raw, err := json.Marshal(resolve(t, doc, message+"/examples"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &d.examples); err != nil || len(d.examples) == 0 {
		t.Fatalf("examples of %s: %d, error %v", name, len(d.examples), err)
	}
	return d
}

// acceptsEvents checks that the document describes whatever the package writes,
// and describes it once: no event is one of two channels.
func (d documented) acceptsEvents(t *testing.T) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		e := someEvent().Draw(t, "event")
		m := e.Message(rapid.SampledFrom([]string{"syllable", "acme.calls"}).Draw(t, "prefix"))
		scope := string(e.ID.Scope)
		if e.ID.Scope == event.ScopeCall {
			scope = "call"
		}
		headers := object{}
		for name, v := range m.Header {
			headers[name] = v[0]
		}
		err := d.judge(headers, m.Data)
		if ours := scope == d.name; (err == nil) != ours || d.subject.MatchString(m.Subject) != ours {
			t.Fatalf("%s with %v: of channel %s, want %v; error %v", m.Subject, headers, d.name, ours, err)
		}
	})
}

func (d documented) judge(headers map[string]any, payload []byte) error {
	raw, err := json.Marshal(headers)
	if err != nil {
		return err
	}
	if err := validate(d.headers, raw); err != nil {
		return err
	}
	return validate(d.payload, payload)
}

// acceptsExamples reads the examples as a subscriber would.
func (d documented) acceptsExamples(t *testing.T) {
	t.Helper()
	for _, x := range d.examples {
		if err := d.judge(x.Headers, x.Payload); err != nil {
			t.Error(err)
		}
		header := map[string][]string{}
		for name, v := range x.Headers {
			header[name] = []string{v.(string)}
		}
		e, err := event.Decode(header, x.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(header, e.Message("syllable").Header); d != "" {
			t.Errorf("headers of an example (-document +made):\n%s", d)
		}
	}
}

// refuses takes each header of an example away, and gives it another value.
func (d documented) refuses(t *testing.T) {
	t.Helper()
	for name := range d.examples[0].Headers {
		for _, bad := range []any{nil, "", "x ", 1} {
			headers := object{}
			for n, v := range d.examples[0].Headers {
				headers[n] = v
			}
			if headers[name] = bad; bad == nil {
				delete(headers, name)
			}
			if err := d.judge(headers, d.examples[0].Payload); err == nil {
				t.Errorf("header %s as %v is accepted", name, bad)
			}
		}
	}
	if d.name != "call" {
		headers := object{event.HeaderSubject: "12345"}
		for n, v := range d.examples[0].Headers {
			headers[n] = v
		}
		if err := d.judge(headers, d.examples[0].Payload); err == nil {
			t.Error("a ce-subject is accepted")
		}
	}
}
