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

const schemaFile = "../docs/schema/call.v1.json"

// TestSchema generates the JSON Schema of the data from the Go type and its
// comments, and compares it with the one that is checked in:
//
//	go test ./event -run Schema -update
//
// It is not parallel, since other tests read the file that it may write.
func TestSchema(t *testing.T) {
	want := generateSchema(t)
	if *update {
		if err := os.MkdirAll(filepath.Dir(schemaFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Fatalf("docs/schema/call.v1.json is not of this event.Call: run go test ./event -run Schema -update "+
			"(-want +got):\n%s", d)
	}
	schema := compileSchema(t, got)
	t.Run("accepts", func(t *testing.T) { t.Parallel(); testSchemaAccepts(t, schema) })
	t.Run("refuses", func(t *testing.T) { t.Parallel(); testSchemaRefuses(t, schema) })
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

func compileSchema(t *testing.T, schema []byte) *validator.Schema {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	c.AssertFormat() // 2020-12 only notes formats otherwise
	if err := c.AddResource(event.SchemaCall, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(event.SchemaCall)
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

func generateSchema(t *testing.T) []byte {
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
	s := r.Reflect(event.Call{})
	s.ID, s.Title = event.SchemaCall, "Data of a call event"
	s.Description = strings.TrimPrefix(s.Description, "Call is the data of a call event: ")
	observed := property(t, s, "observed")
	finish(s, reflect.TypeFor[event.Call]())
	finish(observed, reflect.TypeFor[event.Observed]())

	one := uint64(1)
	property(t, s, "batch_id").MinLength = &one
	property(t, s, "reference_id").MinLength = &one
	property(t, s, "revision").Minimum = "1"
	// The fields that there are now; no enum, since more may come.
	field := property(t, s, "field")
	field.MinLength = &one
	field.Examples = []any{
		event.FieldRequestStatus, event.FieldChannelStatus, event.FieldInsightsStatus, event.FieldInsights,
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
		if f.Type.Kind() != reflect.Pointer {
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
