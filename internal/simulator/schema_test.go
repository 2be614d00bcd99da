package simulator

import (
	"bytes"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// answerOf names the definition of our schema for what a route answers.
var answerOf = map[string]string{
	getBatches: "batches", postBatches: "batch", getBatch: "batch details", putBatch: "batch", deleteBatch: "batch",
	uploadBatch: "batch", getResults: "results", postRequest: "result", removeReqs: "removed",
	getCampaigns: "campaigns", postCampaigns: "campaign", getCampaign: "campaign", putCampaign: "campaign",
	delCampaign: "campaign",
}

// ourSchema holds compiled definitions, by name.
type ourSchema map[string]*jsonschema.Schema

func compileOurs(t *testing.T) ourSchema {
	t.Helper()
	c := jsonschema.NewCompiler()
	schemas := ourSchema{}
	names := map[string]bool{"validation error": true, "error": true}
	for _, name := range answerOf {
		names[name] = true
	}
	for name := range names {
		s, err := c.Compile(filepath.Join("testdata", "outbound.schema.json") + "#/$defs/" + url.PathEscape(name))
		if err != nil {
			t.Fatal(err)
		}
		schemas[name] = s
	}
	return schemas
}

func (s ourSchema) validate(name string, body []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return s[name].Validate(v)
}

// TestOurSchema validates every answer of whole lives.
func TestOurSchema(t *testing.T) {
	t.Parallel()
	schema := compileOurs(t)
	for name, unknown := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			walk(t, unknown, func(e exchange) {
				kind := answerOf[e.name]
				switch {
				case e.status == 422:
					kind = "validation error"
				case e.status != 200:
					kind = "error"
				}
				seen[kind]++
				if got := e.header.Get("Content-Type"); got != "application/json" {
					t.Errorf("%v: Content-Type %q", e, got)
				}
				if err := schema.validate(kind, e.body); err != nil {
					t.Fatalf("%v is no %s: %v", e, kind, err)
				}
			})
			for kind := range schema {
				if seen[kind] == 0 {
					t.Errorf("there was no %s", kind)
				}
			}
		})
	}
}

// What is no answer of the platform is noticed.
func TestOurSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compileOurs(t)
	s, clk := newTest(t)
	mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 1})
	runDry(t, s, clk, "b")
	_, good := send(s, "GET", api+"/batches/b/results", "")
	if err := schema.validate("results", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, edit := range []struct{ old, new string }{
		{`"reference_id"`, `"Reference_id"`}, {`"request_status":"`, `"request_status":"X`}, {`Z"`, `"`},
		{`"attempt_count":`, `"attempt_count":-`}, {`"sent_at":"`, `"sent_at":" `},
		{`{"reference_id"`, `{"x":1,"reference_id"`},
		{`"request_variables":{`, `"request_variables":{"x":1,`},
	} {
		bad := bytes.Replace([]byte(good), []byte(edit.old), []byte(edit.new), 1)
		if bytes.Equal(bad, []byte(good)) {
			t.Fatalf("%q is not in %s", edit.old, good)
		}
		if err := schema.validate("results", bad); err == nil {
			t.Errorf("%s passes", bad)
		}
	}
}
