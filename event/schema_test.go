package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/syllable-notifier/notifier/event"
)

var update = flag.Bool("update", false, "write docs/schema and docs/asyncapi.json anew")

// schemas are the JSON Schemas of the data: the Go type that each is made of, and
// what the generator cannot know of its fields.
func schemas() []schemaOf {
	return []schemaOf{
		{
			id: event.SchemaCall, file: "call.v1.json", title: "Data of a call event", typ: reflect.TypeFor[event.Call](),
			notEmpty: []string{"batch_id", "reference_id", "field"},
			examples: []any{
				event.FieldRequestStatus, event.FieldChannelStatus, event.FieldInsightsStatus, event.FieldInsights,
				event.FieldPresence,
			},
		},
		{
			id: event.SchemaBatch, file: "batch.v1.json", title: "Data of an event of a batch",
			typ: reflect.TypeFor[event.Batch](), notEmpty: []string{"batch_id"}, examples: []any{event.FieldStatus},
			minimum: map[string]json.Number{"manifest.calls": "0", "manifest.events": "0"},
		},
		{
			id: event.SchemaSource, file: "source.v1.json", title: "Data of an event of the source",
			typ: reflect.TypeFor[event.Outage](), notEmpty: []string{"cause"},
			minimum: map[string]json.Number{"failed_polls": "1"},
		},
	}
}

type schemaOf struct {
	id, file, title string
	typ             reflect.Type
	notEmpty        []string
	examples        []any                  // of field
	minimum         map[string]json.Number // of numbers, by path; that of revision is 1
}

// TestSchema generates the JSON Schemas of the data from the Go types and their
// comments, and compares them with those that are checked in:
//
//	go test ./event -run Schema -update
//
// It is not parallel, since other tests read the files that it may write.
func TestSchema(t *testing.T) {
	compiled := map[string]*validator.Schema{}
	for _, s := range schemas() {
		want, path := generateSchema(t, s), filepath.Join("..", "docs", "schema", s.file)
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
			t.Fatalf("docs/schema/%s is not of this package: run go test ./event -run Schema -update (-want +got):\n%s",
				s.file, d)
		}
		compiled[s.id] = compileSchema(t, s.id, got)
	}
	for id, s := range samples() {
		t.Run(filepath.Base(id), func(t *testing.T) {
			t.Parallel()
			s.accepted(t, compiled[id])
			s.refused(t, compiled[id])
		})
	}
}

func compileSchema(t *testing.T, id string, schema []byte) *validator.Schema {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	c.AssertFormat() // 2020-12 only notes formats otherwise
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func validate(schema *validator.Schema, data []byte) error {
	v, err := validator.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

func generateSchema(t *testing.T, of schemaOf) []byte {
	t.Helper()
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true, AllowAdditionalProperties: true,
		Mapper: func(typ reflect.Type) *jsonschema.Schema {
			switch typ {
			case reflect.TypeFor[json.RawMessage]():
				return &jsonschema.Schema{Type: "object", AdditionalProperties: jsonschema.TrueSchema}
			case reflect.TypeFor[time.Time]():
				return &jsonschema.Schema{Type: "string", Format: "date-time"}
			}
			return nil
		},
	}
	if err := r.AddGoComments("github.com/syllable-notifier/notifier/event", "./"); err != nil {
		t.Fatal(err)
	}
	for name, text := range r.CommentMap { // the line breaks are the source's
		r.CommentMap[name] = strings.Join(strings.Fields(text), " ")
	}
	s := r.ReflectFromType(of.typ)
	s.ID, s.Title = jsonschema.ID(of.id), of.title
	if _, rest, ok := strings.Cut(s.Description, ": "); ok {
		s.Description = rest
	}
	finish(s, of.typ)
	one := uint64(1)
	for _, name := range of.notEmpty {
		property(t, s, name).MinLength = &one
	}
	property(t, s, "revision").Minimum = "1"
	for path, least := range of.minimum {
		p := s
		for name := range strings.SplitSeq(path, ".") {
			p = property(t, p, name)
		}
		p.Minimum = least
	}
	// The fields that there are now; no enum, since more may come.
	if len(of.examples) > 0 {
		property(t, s, "field").Examples = of.examples
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// finish says what the generator leaves out: that pointers may be null, that
// objects may have further fields, and that fields have their JSON names.
func finish(s *jsonschema.Schema, typ reflect.Type) {
	s.AdditionalProperties = jsonschema.TrueSchema
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p, ok := s.Properties.Get(name)
		if !ok {
			continue
		}
		if rest, ok := strings.CutPrefix(p.Description, f.Name+" "); ok {
			p.Description = name + " " + rest
		}
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner == reflect.TypeFor[event.Observed]() || inner == reflect.TypeFor[event.Manifest]() {
			finish(p, inner)
		}
		if f.Type.Kind() != reflect.Pointer || p.Type == "object" {
			continue
		}
		value := *p
		value.Description = ""
		s.Properties.Set(name, &jsonschema.Schema{
			AnyOf:       []*jsonschema.Schema{&value, {Type: "null"}},
			Description: p.Description,
		})
	}
}

func property(t *testing.T, s *jsonschema.Schema, name string) *jsonschema.Schema {
	t.Helper()
	p, ok := s.Properties.Get(name)
	if !ok {
		t.Fatalf("the generated schema has no %s", name)
	}
	return p
}
