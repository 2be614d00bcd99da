package simulator

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// exchange is a request and its answer.
type exchange struct {
	name   string // the route, as in the constants below
	route  string // the same with all of the path
	params map[string]string
	req    *http.Request
	sent   []byte
	status int
	header http.Header
	body   []byte
}

func (e exchange) String() string {
	return fmt.Sprintf("%s %s: %d", e.req.Method, e.req.URL, e.status)
}

// walker makes requests and shows each exchange.
type walker struct {
	t     *testing.T
	s     *Simulator
	clk   *clock
	visit func(exchange)
}

// send makes a request of a route; args fill the {…} in it, and what is left
// of them is a query and a body of a type.
func (w *walker) send(want int, route string, r ask) {
	w.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	params := map[string]string{}
	for name, value := range map[string]string{"batch_id": r.batch, "campaign_id": r.campaign} {
		if strings.Contains(path, "{"+name+"}") {
			path = strings.ReplaceAll(path, "{"+name+"}", value)
			params[name] = value
		}
	}
	if r.query != "" {
		path += "?" + r.query
	}
	req := httptest.NewRequest(method, api+path, strings.NewReader(r.body))
	if !r.noKey {
		req.Header.Set("Syllable-API-Key", "key")
	}
	kind := r.kind
	if kind == "" && r.body != "" {
		kind = "application/json"
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	answer := httptest.NewRecorder()
	w.s.Handler().ServeHTTP(answer, req)
	e := exchange{
		name: route, route: method + " " + api + strings.TrimPrefix(route, method+" "), params: params, req: req,
		sent: []byte(r.body), status: answer.Code, header: answer.Header(), body: answer.Body.Bytes(),
	}
	if e.status != want {
		w.t.Fatalf("%v, want %d: %.300s", e, want, e.body)
	}
	w.visit(e)
}

// ask is what a request has beside its route.
type ask struct {
	batch, campaign, query, body, kind string
	noKey                              bool
}

// The routes of the API, without what they all begin with.
const (
	getBatches    = "GET /batches"
	postBatches   = "POST /batches"
	getBatch      = "GET /batches/{batch_id}"
	putBatch      = "PUT /batches/{batch_id}"
	deleteBatch   = "DELETE /batches/{batch_id}"
	uploadBatch   = "POST /batches/{batch_id}/upload_batch"
	getResults    = "GET /batches/{batch_id}/results"
	postRequest   = "POST /batches/{batch_id}/requests"
	removeReqs    = "POST /batches/{batch_id}/remove-requests"
	getCampaigns  = "GET /campaigns"
	postCampaigns = "POST /campaigns"
	getCampaign   = "GET /campaigns/{campaign_id}"
	putCampaign   = "PUT /campaigns/{campaign_id}"
	delCampaign   = "DELETE /campaigns/{campaign_id}"
)

const (
	minimalCampaign = `{"campaign_name": "Minimal", "campaign_variables": {}, "caller_id": null, "active_days": []}`
	fullCampaign    = `{
		"campaign_name": "Full", "description": "All there is", "mode": "voice", "sms_session_ttl": 720,
		"label": "test", "labels": ["test", "demo"], "campaign_variables": {"clinic": "A & B"},
		"daily_start_time": "09:00:00", "daily_end_time": "17:00:00", "source": "+12065550100",
		"caller_id": "+12065550101", "hourly_rate": 1800, "max_daily_calls": 2500, "retry_count": 1,
		"retry_interval": "30m", "active_days": ["mon", "fri"],
		"voicemail_detection": {"mode": "v2", "voicemail_detection_overall_timeout": 30.5, "kept": [1]},
		"allowed_line_types": ["mobile", "voip"], "include_unknown_line_types": false,
		"target_filters": {"rules": [{"field": "line_type", "op": "in", "values": ["landline"]}]},
		"webhooks": [{"trigger_statuses": ["COMPLETED"], "url": "https://example.com/hook", "request_method": "POST",
			"auth_values": {"hmac_secret": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}]}`
	formType = "application/x-www-form-urlencoded"
)

// multipartOf makes a form with a file, and its content type.
func multipartOf(t testing.TB, name, content string) (kind, body string) {
	t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	part.Write([]byte(content))
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), b.String()
}

// walk leads a platform through a whole life, asks for everything on the way,
// and makes every mistake that the API can answer.
func walk(t *testing.T, u Unknown, visit func(exchange)) {
	t.Helper()
	clk := &clock{now: epoch}
	w := &walker{t: t, s: New(Options{Seed: 7, Now: clk.Now, Unknown: u}), clk: clk, visit: visit}
	w.campaigns()
	w.batches()
	for range 16 {
		w.clk.advance(4 * time.Minute)
		w.look()
	}
	w.end()
	w.look()
	w.mistakes()
}

func (w *walker) campaigns() {
	busy := busyCampaign
	busy.Mix = new(DefaultMix())
	busy.Mix.InsightRevised = 0.5
	w.s.AddCampaign(busy) // 1
	w.send(200, postCampaigns, ask{body: fullCampaign})
	w.send(200, postCampaigns, ask{body: minimalCampaign})
	changed := strings.NewReplacer(`"Full"`, `"Changed"`, `"POST",`, `"PATCH", "id": 1,`,
		`"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="`, `null`).Replace(fullCampaign)
	w.send(200, putCampaign, ask{campaign: "2", body: changed})
	w.send(200, getCampaigns, ask{})
	w.send(200, getCampaigns, ask{query: "order_by=labels&order_by_direction=desc&limit=2&page=1"})
	w.send(200, getCampaigns, ask{query: "search_fields=mode&search_field_values=voice&fields=id&fields=label"})
	w.send(200, delCampaign, ask{campaign: "3"})
}

func (w *walker) batches() {
	n := NewBatch{ID: "20260822.1", CampaignID: 1, Calls: 60, Requests: []Request{{"bad", "nobody", nil}}}
	if err := w.s.CreateBatch(n); err != nil {
		w.t.Fatal(err)
	}
	w.send(200, postBatches, ask{body: `{"batch_id": "20260822.2", "campaign_id": 2,
		"expires_on": "2026-08-22T09:30:00-00:30", "auto_call_rate": true}`})
	w.send(200, postBatches, ask{body: `{"batch_id": "20260822.3", "campaign_id": 1, "call_rate": 25, "paused": true}`})
	w.send(200, postBatches, ask{body: `{"batch_id": "20260822.4", "campaign_id": 1}`})
	kind, body := multipartOf(w.t, "calls.csv", "target\n+12065550142\n")
	w.send(200, uploadBatch, ask{batch: "20260822.2", kind: kind, body: body}) // it fails
	w.look()
	kind, body = multipartOf(w.t, "calls.csv", "\ufeffreference_id,target,clinic\na,+12065550142,A & B\nb,206-555-0143,\n")
	w.send(200, uploadBatch, ask{batch: "20260822.2", kind: kind, body: body})
	w.send(200, postRequest, ask{batch: "20260822.3", body: request("new")})
	w.send(200, postRequest, ask{batch: "20260822.4", body: request("new")})
	w.send(200, removeReqs, ask{batch: "20260822.3", body: `["new", "unknown"]`})
	w.send(200, putBatch, ask{batch: "20260822.3", body: `{"paused": false, "expires_on": null}`})
}

// look asks for all there is to see.
func (w *walker) look() {
	w.send(200, getBatches, ask{query: "order_by=last_updated_at&order_by_direction=desc"})
	w.send(200, getBatches, ask{query: "limit=0"})
	for _, b := range w.s.Batches() {
		if w.s.batches[b.ID].deleted.IsZero() || w.s.unknown.Deleted != DeletedGone {
			w.send(200, getBatch, ask{batch: b.ID})
			w.send(200, getResults, ask{batch: b.ID})
			w.send(200, getResults, ask{batch: b.ID, query: "status=COMPLETED&insights_status=COMPLETED"})
			w.send(200, getResults, ask{batch: b.ID, query: "reference_id=new"})
		}
	}
	w.send(200, getCampaign, ask{campaign: "1"})
}

func (w *walker) end() {
	w.send(200, deleteBatch, ask{batch: "20260822.4", kind: formType, body: "delete_reason=User+request"})
	w.send(200, delCampaign, ask{campaign: "2"})
	runDry(w.t, w.s, w.clk, "20260822.1")
	runDry(w.t, w.s, w.clk, "20260822.2")
}

func (w *walker) mistakes() {
	w.send(401, getBatches, ask{noKey: true})
	for _, route := range []string{getBatch, putBatch, getResults, postRequest, removeReqs} {
		w.send(404, route, ask{batch: "none", body: map[string]string{
			putBatch: "{}", postRequest: request("a"), removeReqs: "[]",
		}[route]})
	}
	w.send(404, deleteBatch, ask{batch: "none", kind: formType, body: "delete_reason=x"})
	w.send(404, getCampaign, ask{campaign: "3"})
	w.send(404, delCampaign, ask{campaign: "3"})
	w.send(404, putCampaign, ask{campaign: "3", body: minimalCampaign})
	w.send(405, "PATCH /batches/{batch_id}", ask{batch: "20260822.1"})
	w.send(413, postBatches, ask{body: `"` + strings.Repeat("x", maxBody) + `"`})
	for _, query := range []string{"page=-1", "limit=x", "order_by=x", "fields=x", "search_fields=x", "end_datetime=x"} {
		w.send(422, getBatches, ask{query: query})
		w.send(422, getCampaigns, ask{query: query})
	}
	w.send(422, postBatches, ask{body: `{}`})
	w.send(422, postBatches, ask{body: `{"batch_id": "x", "campaign_id": 2}`})
	w.send(422, putBatch, ask{batch: "20260822.1", body: `{"call_rate": 3601, "auto_call_rate": true}`})
	w.send(422, deleteBatch, ask{batch: "20260822.1", body: `{"delete_reason": "not a form"}`})
	w.send(422, uploadBatch, ask{batch: "20260822.1"})
	w.send(422, postRequest, ask{batch: "20260822.1", body: `{"request_variables": {"a": null}}`})
	w.send(422, removeReqs, ask{batch: "20260822.1", body: `{}`})
	w.send(422, getCampaign, ask{campaign: "one"})
	w.send(422, postCampaigns, ask{body: `{}`})
	w.send(422, putCampaign, ask{campaign: "1", body: `{"hourly_rate": null}`})
	w.send(422, delCampaign, ask{campaign: "one"})
}

// lives are the platforms to walk through: each unknown, all ways.
var lives = map[string]Unknown{
	"as it comes": {},
	"emptied": {
		Deleted: DeletedEmptied, Order: OrderUpdated, Validators: ValidatorsBoth,
		QuietBatch: true, QuietRetry: true, InsightRevised: 1,
	},
	"gone": {Deleted: DeletedGone, Order: OrderRandom, Validators: ValidatorsETag},
}
