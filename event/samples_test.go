package event_test

import (
	"encoding/json"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

// samplesOf are data that one of the schemas must accept and refuse.
type samplesOf struct {
	some *rapid.Generator[json.RawMessage] // whatever the package encodes
	good func() (json.RawMessage, error)
	// bad gives fields of the good data other values, "" takes them away.
	bad map[string][]string
	// later are fields that a later version may add, or values it may bring,
	// which must not break who validates by this one.
	later map[string]string
}

func samples() map[string]samplesOf {
	revision := []string{``, `null`, `0`, `-1`, `"3"`, `1.5`}
	campaign := []string{``, `"1"`, `1.5`}
	object := []string{``, `null`, `[]`, `"{}"`}
	observed := []string{
		``, `null`, `{"after":null}`, `{"until":"2026-08-22T10:00:15Z"}`, `{"after":null,"until":null}`,
		`{"after":null,"until":"2026-08-22"}`, `{"after":"yesterday","until":"2026-08-22T10:00:15Z"}`,
	}
	id := []string{``, `null`, `""`, `1`}
	const later = `{"after":null,"until":"2026-08-22T10:00:15Z","by":"x"}`
	return map[string]samplesOf{
		event.SchemaCall: {
			some: encoded(someCall()), good: failedCall().Encode,
			bad: map[string][]string{
				"batch_id": id, "campaign_id": campaign, "reference_id": id, "field": id, "from": {``, `0`},
				"to": {``, `{}`}, "revision": revision, "observed": observed, "result": object,
			},
			later: map[string]string{
				"later": `{"any":"thing"}`, "field": `"duration"`, "result": `{"new":null}`, "observed": later,
			},
		},
		event.SchemaBatch: {
			some: encoded(someBatch()), good: completedBatch().Encode,
			bad: map[string][]string{
				"batch_id": id, "campaign_id": campaign, "field": {`0`, `null`}, "from": {`7`}, "to": {`{}`},
				"revision": revision, "observed": observed, "batch": object, "manifest": manifests(),
			},
			later: map[string]string{
				"later": `1`, "field": `"paused"`, "from": `null`, "to": `"x"`, "observed": later,
				"manifest": `{"calls":0,"request_status":{},"channel_manager_status":{},"insights_status":{},` +
					`"events":0,"first":null,"last":null,"later":{"x":1}}`,
			},
		},
		event.SchemaSource: {
			some: encoded(someOutage()), good: outage().Encode,
			bad: map[string][]string{
				"revision": revision, "since": {``, `null`, `"today"`, `0`}, "until": {`"today"`, `0`},
				"failed_polls": {``, `0`, `"3"`, `null`}, "cause": {``, `null`, `""`, `503`},
			},
			later: map[string]string{"later": `true`, "until": `null`},
		},
	}
}

// manifests are some with a fault.
func manifests() []string {
	bad := []string{`null`, `[]`, `{}`}
	var good map[string]json.RawMessage
	data, _ := json.Marshal(completedBatch().Manifest)
	_ = json.Unmarshal(data, &good)
	for name, values := range map[string][]string{
		"calls": {``, `-1`, `null`, `"3"`}, "request_status": {``, `null`, `{"x":"1"}`, `{"x":1.5}`},
		"channel_manager_status": {``, `null`, `[]`}, "insights_status": {``, `null`, `[]`}, "rating": {`null`, `[]`},
		"events": {``, `-1`}, "first": {``, `"today"`}, "last": {``, `"today"`},
	} {
		for _, value := range values {
			bad = append(bad, string(with(good, name, value)))
		}
	}
	return bad
}

// encoded encodes what a generator makes.
func encoded[T interface {
	Encode() (json.RawMessage, error)
}](some *rapid.Generator[T]) *rapid.Generator[json.RawMessage] {
	return rapid.Custom(func(t *rapid.T) json.RawMessage {
		data, err := some.Draw(t, "data").Encode()
		if err != nil {
			t.Fatal(err)
		}
		return data
	})
}

func (s samplesOf) accepted(t *testing.T, schema *validator.Schema) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		data := s.some.Draw(t, "data")
		if err := validate(schema, data); err != nil {
			t.Fatalf("%s\nis refused: %v", data, err)
		}
	})
	for name, value := range s.later {
		data := with(s.fields(t), name, value)
		if err := validate(schema, data); err != nil {
			t.Errorf("%s\nis refused: %v", data, err)
		}
	}
}

func (s samplesOf) refused(t *testing.T, schema *validator.Schema) {
	t.Helper()
	bad := [][]byte{[]byte(`null`), []byte(`[]`), []byte(`{}`)}
	for name, values := range s.bad {
		for _, value := range values {
			bad = append(bad, with(s.fields(t), name, value))
		}
	}
	for _, data := range bad {
		if err := validate(schema, data); err == nil {
			t.Errorf("%s\nis accepted", data)
		}
	}
}

// fields returns the fields of the good data, of which with changes one.
func (s samplesOf) fields(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	data, err := s.good()
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// with returns an object with one field set to the JSON given, or left out where
// that is empty.
func with(fields map[string]json.RawMessage, name, value string) []byte {
	changed := map[string]json.RawMessage{}
	for n, v := range fields {
		if n != name {
			changed[n] = v
		}
	}
	if value != "" {
		changed[name] = json.RawMessage(value)
	}
	data, _ := json.Marshal(changed)
	return data
}
