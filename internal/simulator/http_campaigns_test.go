package simulator

import (
	"strings"
	"testing"
	"time"
)

func TestCampaignLife(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	made := mustSend[map[string]any](t, s, "POST", api+"/campaigns", fullCampaign)
	if made["id"] != 1.0 || made["campaign_name"] != "Full" || made["hourly_rate"] != 1800.0 ||
		made["daily_start_time"] != "09:00:00" || made["created_at"] != made["updated_at"] {
		t.Errorf("made %v", made)
	}
	filters := made["target_filters"].(map[string]any)
	if filters["match"] != "all" || filters["on_unknown"] != "include" {
		t.Errorf("target_filters %v, want the defaults filled in", filters)
	}
	hook := made["webhooks"].([]any)[0].(map[string]any)
	if hook["id"] != 1.0 || hook["auth_value_keys"].([]any)[0] != "hmac_secret" || hook["auth_values"] != nil {
		t.Errorf("webhook %v, want an id and no secret", hook)
	}
	if err := s.CreateBatch(NewBatch{ID: "b", CampaignID: 1, Calls: 100}); err != nil {
		t.Fatal(err)
	}
	clk.advance(dispatchDelay + 9*time.Second) // one in 2 s: 0, 2, 4, 6, 8
	if got := s.Progress("b").RequestStatus["PENDING"] + s.Progress("b").RequestStatus["DUPLICATE"] +
		s.Progress("b").RequestStatus["INVALID"] + s.Progress("b").RequestStatus["CANCELED"]; got != 95 {
		t.Errorf("%d calls are not dialled, want 95", got)
	}

	changed := mustSend[map[string]any](t, s, "PUT", api+"/campaigns/1",
		strings.NewReplacer(`"hourly_rate": 1800`, `"hourly_rate": 3600`, `"Full"`, `"Fast"`).Replace(fullCampaign))
	if changed["campaign_name"] != "Fast" || changed["updated_at"] == changed["created_at"] {
		t.Errorf("changed %v", changed)
	}
	if hooks := changed["webhooks"].([]any); hooks[0].(map[string]any)["id"] != 2.0 {
		t.Errorf("webhooks %v, want a new one in the place of one without an id", hooks)
	}
	clk.advance(10 * time.Second)
	if got := s.Progress("b").RequestStatus["INITIATED"] + s.Progress("b").RequestStatus["CONNECTED"]; got < 10 {
		t.Errorf("%d calls on the line, want the batch to follow the new rate", got)
	}

	mustSend[any](t, s, "DELETE", api+"/campaigns/1", "")
	if status, _ := send(s, "GET", api+"/campaigns/1", ""); status != 404 {
		t.Errorf("deleted: %d, want 404", status)
	}
	if got := mustSend[listed](t, s, "GET", api+"/campaigns", ""); got.TotalCount != 0 {
		t.Errorf("%d campaigns listed, want 0", got.TotalCount)
	}
	runDry(t, s, clk, "b") // its batch goes on
	if id := s.AddCampaign(Campaign{}); id != 2 {
		t.Errorf("id %d after a deletion, want 2", id)
	}
}

func TestCampaignDefaults(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	got := mustSend[map[string]any](t, s, "POST", api+"/campaigns", minimalCampaign)
	for field, want := range map[string]any{
		"hourly_rate": 1.0, "retry_count": 0.0, "include_unknown_line_types": true, "mode": nil, "retry_interval": nil,
		"caller_id": nil, "target_filters": nil, "voicemail_detection": nil,
	} {
		if got[field] != want {
			t.Errorf("%s is %v, want %v", field, got[field], want)
		}
	}
}

func TestCampaignRefusals(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	mustSend[any](t, s, "POST", api+"/campaigns", fullCampaign)
	with := func(field, value string) string {
		return strings.TrimSuffix(minimalCampaign, "}") + `, "` + field + `": ` + value + `}`
	}
	hook := func(edit ...string) string {
		return with("webhooks", strings.NewReplacer(edit...).Replace(
			`[{"trigger_statuses": ["BUSY"], "url": "https://example.com", "request_method": "PUT"}]`))
	}
	for _, tt := range []struct{ body, contains string }{
		{`{}`, `["body","campaign_name"],"msg":"Field required","type":"missing"},{"loc":["body","campaign_variables"]`},
		{`[]`, `"loc":["body"]`},
		{``, `"loc":["body"]`},
		{strings.Replace(minimalCampaign, "{}", "null", 1), `["body","campaign_variables"]`},
		{strings.Replace(minimalCampaign, "{}", `{"a": 1}`, 1), `["body","campaign_variables"]`},
		{with("hourly_rate", "0"), `["body","hourly_rate"]`},
		{with("hourly_rate", "3601"), `["body","hourly_rate"]`},
		{with("hourly_rate", "null"), `["body","hourly_rate"]`},
		{with("retry_count", "-1"), `["body","retry_count"]`},
		{with("retry_interval", `"soon"`), `["body","retry_interval"]`},
		{with("retry_interval", `"999999d"`), `["body","retry_interval"]`},
		{with("daily_start_time", `"9 am"`), `["body","daily_start_time"]`},
		{with("daily_end_time", `"25:00:00"`), `["body","daily_end_time"]`},
		{with("active_days", `["mon", "someday"]`), `["body","active_days",1]`},
		{with("allowed_line_types", `["fax"]`), `["body","allowed_line_types",0]`},
		{with("voicemail_detection", `{"mode": "v3"}`), `["body","voicemail_detection","mode"]`},
		{with("voicemail_detection", `{"voicemail_detection_overall_timeout": "x"}`), `["body","voicemail_detection",`},
		{with("target_filters", `{"match": "some"}`), `["body","target_filters","match"]`},
		{with("target_filters", `{"on_unknown": "some"}`), `["body","target_filters","on_unknown"]`},
		{with("target_filters", `{"rules": [{"op": "in"}]}`), `["body","target_filters","rules",0,"field"]`},
		{with("target_filters", `{"rules": [{"field": "mcc"}]}`), `["body","target_filters","rules",0,"op"]`},
		{with("target_filters", `{"rules": [{"field": "mcc", "op": "="}]}`), `["body","target_filters","rules",0,"op"]`},
		{with("webhooks", `[{}]`), `"loc":["body","webhooks",0,"request_method"]`},
		{hook("BUSY", "SLEEPY"), `["body","webhooks",0,"trigger_statuses",0]`},
		{hook("https:", "http:"), `["body","webhooks",0,"url"]`},
		{hook("PUT", "GET"), `["body","webhooks",0,"request_method"]`},
		{hook("}]", `, "id": 9}]`), `["body","webhooks",0,"id"]`},
		{hook("}]", `, "auth_values": {"password": "x"}}]`), `["body","webhooks",0,"auth_values"]`},
		{hook("}]", `, "auth_values": {"hmac_secret": "c2hvcnQ="}}]`), `["body","webhooks",0,"auth_values","hmac_secret"]`},
	} {
		for _, route := range []struct{ method, path string }{{"POST", "/campaigns"}, {"PUT", "/campaigns/1"}} {
			status, body := send(s, route.method, api+route.path, tt.body)
			if status != 422 || !strings.Contains(body, tt.contains) {
				t.Errorf("%s %s: %d %s, want 422 with %s", route.method, tt.body, status, body, tt.contains)
			}
			if strings.Contains(body, "c2hvcnQ=") {
				t.Errorf("the secret is told: %s", body)
			}
		}
	}
	if got := mustSend[listed](t, s, "GET", api+"/campaigns", ""); got.ids() != "Full" {
		t.Errorf("campaigns %q after refusals, want Full", got.ids())
	}
}
