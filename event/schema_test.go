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
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

var update = flag.Bool("update", false, "write the JSON Schema in docs/schema anew")

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
		},
		{
			id: event.SchemaSource, file: "source.v1.json", title: "Data of an event of the source",
			typ: reflect.TypeFor[event.Outage](), notEmpty: []string{"cause"},
		},
	}
}

type schemaOf struct {
	id, file, title string
	typ             reflect.Type
	notEmpty        []string
	examples        []any // of field
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
	call := compiled[event.SchemaCall]
	t.Run("accepts", func(t *testing.T) { t.Parallel(); testSchemaAccepts(t, call) })
	t.Run("refuses", func(t *testing.T) { t.Parallel(); testSchemaRefuses(t, call) })
	t.Run("of a batch", func(t *testing.T) { t.Parallel(); testSchemaOfABatch(t, compiled[event.SchemaBatch]) })
	t.Run("of the source", func(t *testing.T) { t.Parallel(); testSchemaOfTheSource(t, compiled[event.SchemaSource]) })
}

func testSchemaOfABatch(t *testing.T, schema *validator.Schema) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		data, err := someBatch().Draw(t, "batch").Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, data); err != nil {
			t.Fatalf("%s\nis refused: %v", data, err)
		}
	})
	good := `{"batch_id":"b","campaign_id":null,"revision":1,` +
		`"observed":{"after":null,"until":"2026-08-22T10:00:15Z"},"batch":{}}`
	if err := validate(schema, []byte(good)); err != nil {
		t.Errorf("%s\nis refused: %v", good, err)
	}
	for _, change := range [][2]string{
		{`"b"`, `""`}, {`"campaign_id":null,`, ``}, {`"revision":1`, `"revision":0`}, {`"batch":{}`, `"batch":null`},
		{`{"after":null,"until":"2026-08-22T10:00:15Z"}`, `null`}, {`"revision":1`, `"revision":1,"manifest":{}`},
		{`"revision":1`, `"revision":1,"from":7`},
	} {
		if bad := strings.Replace(good, change[0], change[1], 1); bad == good || validate(schema, []byte(bad)) == nil {
			t.Errorf("%s\nis accepted", bad)
		}
	}
}

func testSchemaOfTheSource(t *testing.T, schema *validator.Schema) {
	t.Helper()
	until := time.Date(2026, 8, 22, 10, 20, 0, 0, time.UTC)
	for _, o := range []event.Outage{
		{Revision: 1, Since: until, FailedPolls: 3, Cause: "x"},
		{Revision: 2, Since: until, FailedPolls: 3, Cause: "x", Until: &until},
	} {
		data, err := o.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, data); err != nil {
			t.Errorf("%s\nis refused: %v", data, err)
		}
		for _, change := range [][2]string{
			{`"cause":"x"`, `"cause":""`}, {`"revision":`, `"revision":-`}, {`"failed_polls":3`, `"failed_polls":"3"`},
			{`2026-08-22T10:20:00Z`, `today`},
		} {
			bad := strings.Replace(string(data), change[0], change[1], 1)
			if bad == string(data) || validate(schema, []byte(bad)) == nil {
				t.Errorf("%s\nis accepted", bad)
			}
		}
	}
}

func testSchemaAccepts(t *testing.T, schema *validator.Schema) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		data, err := someCall().Draw(t, "call").Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, data); err != nil {
			t.Fatalf("%s\nis refused: %v", data, err)
		}
	})
	// What a later version may add must not break who validates by this one.
	later := with(t, "later", `{"any":"thing"}`, "field", `"presence"`, "result", `{"new":null}`,
		"observed", `{"after":null,"until":"2026-08-22T10:00:15Z","by":"x"}`)
	if err := validate(schema, later); err != nil {
		t.Errorf("%s\nis refused: %v", later, err)
	}
}

func testSchemaRefuses(t *testing.T, schema *validator.Schema) {
	t.Helper()
	for _, data := range [][]byte{
		[]byte(`null`), []byte(`[]`), []byte(`{}`),
		with(t, "batch_id", ``), with(t, "batch_id", `null`), with(t, "batch_id", `""`), with(t, "batch_id", `1`),
		with(t, "campaign_id", ``), with(t, "campaign_id", `"1"`), with(t, "campaign_id", `1.5`),
		with(t, "reference_id", ``), with(t, "reference_id", `12345`), with(t, "reference_id", `""`),
		with(t, "field", ``), with(t, "field", `null`), with(t, "field", `""`),
		with(t, "from", ``), with(t, "from", `0`),
		with(t, "to", ``), with(t, "to", `{}`),
		with(t, "revision", ``), with(t, "revision", `0`), with(t, "revision", `"3"`), with(t, "revision", `1.5`),
		with(t, "observed", ``), with(t, "observed", `null`), with(t, "observed", `{"after":null}`),
		with(t, "observed", `{"until":"2026-08-22T10:00:15Z"}`),
		with(t, "observed", `{"after":null,"until":null}`),
		with(t, "observed", `{"after":null,"until":"2026-08-22"}`),
		with(t, "observed", `{"after":"yesterday","until":"2026-08-22T10:00:15Z"}`),
		with(t, "result", ``), with(t, "result", `null`), with(t, "result", `[]`), with(t, "result", `"{}"`),
	} {
		if err := validate(schema, data); err == nil {
			t.Errorf("%s\nis accepted", data)
		}
	}
}

// with returns the data of the example event with fields set to the JSON
// given, and left out where it is empty.
func with(t *testing.T, set ...string) []byte {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(failedEvent(t).Data, &fields); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(set); i += 2 {
		if fields[set[i]] = json.RawMessage(set[i+1]); set[i+1] == "" {
			delete(fields, set[i])
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return data
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
