package slack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata anew")

// calls are the objects whose messages stand in testdata: as JSON the way they
// are sent, and as text the way a terminal shows them.
var calls = map[string]string{
	"appointment": `{
		"reference_id":"12345","target":"512-555-0134",
		"request_variables":{"first_name":"canary-variable","purpose":"appointment"},
		"created_at":"2026-08-22T08:00:00Z","sent_at":"2026-08-22T09:58:02.125Z","attempt_count":2,
		"session_id":88001,"conversation_id":99001,"channel_manager_sid":"canary-sid",
		"request_status":"COMPLETED","channel_manager_status":"COMPLETED","insights_status":"COMPLETED",
		"insights":{
			"rating":"Good","sentiment_score":0.78,"call_duration_seconds":94,"preferred_language":"en",
			"callback_requested":"no","appointment_confirmed":"yes",
			"summary":"The caller will come to Example Clinic on March 3 and asked to arrive 15 minutes early. ` +
		`The conversation was friendly & short. They were pleased that the call took < 5 minutes. 👩‍⚕️"
		}}`,
	"voicemail": `{
		"reference_id":"12346","target":"+15125550135","request_variables":{},"attempt_count":1,
		"sent_at":"2026-08-22T09:59:00+02:00",
		"request_status":"COMPLETED","channel_manager_status":"MACHINE","insights_status":"COMPLETED",
		"insights":{"rating":"Fair","voicemail_left":"yes",
			"summary":"Nadie contestó. Se dejó recado de Example Clinic después del tono a los 9 segundos."}}`,
	"bare": `{"reference_id":"12347","target":"5125550136","request_variables":{},
		"request_status":null,"channel_manager_status":null,"insights":null,"sent_at":null}`,
	"hostile": `{
		"reference_id":"<!channel>","target":"512-555-0137","request_variables":{},"attempt_count":"many",
		"sent_at":"yesterday","request_status":"ON_HOLD","channel_manager_status":"SIP_NOT_FOUND",
		"insights":{
			"rating":"*Bad*","summary":"<!channel> <@U0123> <https://example.com|click> ` + "`code`" + ` &lt; \u001b[31m` +
		`\u202egnp.exe\u202c a\u200b\u200bb\r\n\r\n\r\n\r\nCall (512) 555.0137 back, or +1 512 555 0137.",
			"<>&*":"<!here>","Nested":{"list":[1,null,"512-555-0137"]},"flag":true,"nothing":null,"blank":"  ",
			"callBackNumber":5125550137,":rotating_light:":":rotating_light:"
		}}`,
}

func TestLayout(t *testing.T) {
	t.Parallel()
	for name, result := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var known struct {
				Reference string `json:"reference_id"`
			}
			if err := json.Unmarshal([]byte(result), &known); err != nil {
				t.Fatal(err)
			}
			m := deliver(t, completed(t, known.Reference, result))
			var sent bytes.Buffer
			enc := json.NewEncoder(&sent)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(map[string]any{
				"text": m.Text, "blocks": m.RawBlocks, "metadata": m.Metadata,
				"unfurl_links": m.UnfurlLinks, "unfurl_media": m.UnfurlMedia, "mrkdwn": m.Markup, "parse": m.Parse,
			}); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", sent.String())
			golden(t, name+".txt", m.Plain(72))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s has changed (-update writes it anew):\n%s", file, diff)
	}
}
