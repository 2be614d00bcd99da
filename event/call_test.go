package event_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

// TestEncode spells out the data of one event, as the contract does.
func TestEncode(t *testing.T) {
	t.Parallel()
	c := failedCall()
	c.To = ptr("<FAILED & more>")
	c.Observed.After = ptr(c.Observed.After.In(time.FixedZone("", 7200))) // UTC all the same
	c.Result = json.RawMessage(" {\"reference_id\":\"12345\", \"target\" : \"512-555-0123\",\n\"x\":\"<&>\\u00e9\"} \n")
	const want = `{"batch_id":"20260822.9","campaign_id":1,"reference_id":"12345",` +
		`"field":"request_status","from":"INITIATED","to":"<FAILED & more>","revision":3,` +
		`"observed":{"after":"2026-08-22T10:00:00Z","until":"2026-08-22T10:00:15Z"},` +
		`"result":{"reference_id":"12345", "target" : "512-555-0123",` + "\n" + `"x":"<&>\u00e9"}}`
	if got := encode(t, c); got != want {
		t.Errorf("data\n%s\nwant\n%s", got, want)
	}
}

// TestEncodeNulls checks that what is not known is null, not absent.
func TestEncodeNulls(t *testing.T) {
	t.Parallel()
	c := event.Call{
		BatchID: "b", ReferenceID: "r", Field: event.FieldChannelStatus, Revision: 1,
		Observed: event.Observed{Until: time.Date(2026, 8, 22, 12, 0, 0, 0, time.FixedZone("", 7200))},
		Result:   json.RawMessage(`{}`),
	}
	const want = `{"batch_id":"b","campaign_id":null,"reference_id":"r","field":"channel_manager_status",` +
		`"from":null,"to":null,"revision":1,"observed":{"after":null,"until":"2026-08-22T10:00:00Z"},"result":{}}`
	if got := encode(t, c); got != want {
		t.Errorf("data\n%s\nwant\n%s", got, want)
	}
}

func encode(t *testing.T, c event.Call) string {
	t.Helper()
	got, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestEncodeRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := someCall().Draw(t, "call")
		before := string(c.Result)
		data, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if string(c.Result) != before {
			t.Fatal("Encode changed the result it was given")
		}
		if !bytes.HasSuffix(data, []byte(`"result":`+before+`}`)) {
			t.Fatalf("the result %s is not verbatim in %s", before, data)
		}
		var got event.Call
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, got); d != "" { // times compare by the moment
			t.Fatalf("call (-want +got):\n%s", d)
		}
	})
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*event.Call)
		want string
	}{
		"no batch":           {func(c *event.Call) { c.BatchID = "" }, "needs a batch id"},
		"no reference":       {func(c *event.Call) { c.ReferenceID = "" }, "a reference id"},
		"revision 0":         {func(c *event.Call) { c.Revision = 0 }, "a revision from 1"},
		"no result":          {func(c *event.Call) { c.Result = nil }, "not a JSON object"},
		"blank result":       {func(c *event.Call) { c.Result = json.RawMessage(" \n") }, "not a JSON object"},
		"null result":        {func(c *event.Call) { c.Result = json.RawMessage("null") }, "not a JSON object"},
		"list":               {func(c *event.Call) { c.Result = json.RawMessage("[{}]") }, "not a JSON object"},
		"two objects":        {func(c *event.Call) { c.Result = json.RawMessage("{}{}") }, "not a JSON object"},
		"cut result":         {func(c *event.Call) { c.Result = c.Result[:len(c.Result)-1] }, "not a JSON object"},
		"way out":            {func(c *event.Call) { c.Result = json.RawMessage(`{},"to":"X"`) }, "not a JSON object"},
		"batch not UTF-8":    {func(c *event.Call) { c.BatchID = "b\xff" }, "not valid UTF-8"},
		"ref not UTF-8":      {func(c *event.Call) { c.ReferenceID = "\xff" }, "not valid UTF-8"},
		"field not UTF-8":    {func(c *event.Call) { c.Field = "\xff" }, "not valid UTF-8"},
		"from not UTF-8":     {func(c *event.Call) { c.From = ptr("\xc3") }, "not valid UTF-8"},
		"to not UTF-8":       {func(c *event.Call) { c.To = ptr("\xc3") }, "not valid UTF-8"},
		"result not UTF-8":   {func(c *event.Call) { c.Result = json.RawMessage("{\"a\":\"\xff\"}") }, "not valid UTF-8"},
		"year of six digits": {func(c *event.Call) { c.Observed.Until = time.Unix(1e13, 0) }, "year outside"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := failedCall()
			tt.set(&c)
			got, err := c.Encode()
			if err == nil {
				t.Fatalf("Encode gave %s, want an error", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want it to say %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "555") {
				t.Errorf("error %q tells the number", err)
			}
		})
	}
}
