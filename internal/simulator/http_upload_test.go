package simulator

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// upload sends a file, and returns the batch as it is answered.
func upload(t testing.TB, s *Simulator, content string) map[string]any {
	t.Helper()
	kind, body := multipartOf(t, "calls.csv", content)
	r := httptest.NewRequest("POST", api+"/batches/b/upload_batch", strings.NewReader(body))
	r.Header.Set("Syllable-API-Key", "key")
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return mustSend[map[string]any](t, s, "GET", api+"/batches/b", "")
}

func TestUpload(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b"})
	b := upload(t, s, "\ufeffclinic, reference_id ,target\n\"A \"\"&\"\", B\",a,+12065550142\r\n,b,nobody\n")
	if b["upload_filename"] != "calls.csv" || b["error_message"] != nil || b["status"] != "PENDING" {
		t.Errorf("batch %v", b)
	}
	want := []result{
		{
			ReferenceID: "a", Target: "+12065550142", RequestVariables: map[string]string{"clinic": `A "&", B`},
			RequestStatus: "PENDING",
		},
		{
			ReferenceID: "b", Target: "nobody", RequestVariables: map[string]string{"clinic": ""}, RequestStatus: "INVALID",
			ChannelManagerStatus: new("INVALID"),
		},
	}
	if diff := cmp.Diff(want, results(t, s, "b")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	runDry(t, s, clk, "b")
	if got := s.Progress("b").RequestStatus["COMPLETED"]; got != 1 {
		t.Errorf("%d calls COMPLETED, want 1", got)
	}
}

// A bad file fails the batch and stops its calls, until a good one comes.
func TestBadUpload(t *testing.T) {
	t.Parallel()
	for content, message := range map[string]string{
		"":                              "Invalid file format: it holds no request",
		"reference_id,target\n":         "Invalid file format: it holds no request",
		"reference_id,phone\na,1\n":     "Missing required fields: the first line must name reference_id and target",
		"reference_id,target,target\n":  "Invalid file format: column 3 has the name of another",
		"reference_id,target\na\n":      "Invalid file format: line 2: wrong number of fields",
		"reference_id,target\n\"a,1\n":  "Invalid file format: line 2: extraneous or missing \" in quoted-field",
		"reference_id,target\na,\xff\n": "Invalid file format: it is not UTF-8",
		"reference_id,target\n,1\n":     "Missing required fields: request 1: reference_id must not be empty",
		"reference_id,target\nx,\n":     "Missing required fields: request 1: target must not be empty",
		"reference_id,target\nx,1\nx,2": "Missing required fields: request 2: reference_id is in the batch already",
		"reference_id,target\nold,1\n":  "Missing required fields: request 1: reference_id is in the batch already",
	} {
		s, clk := newTest(t)
		mustCreate(t, s, Campaign{}, NewBatch{ID: "b", Requests: []Request{{"old", "+12065550142", nil}}})
		b := upload(t, s, content)
		if b["status"] != "FAILED" || b["error_message"] != message {
			t.Errorf("%q: status %v, %v, want %s", content, b["status"], b["error_message"], message)
		}
		clk.advance(time.Hour)
		if got := s.Progress("b"); got.Calls != 1 || got.RequestStatus["PENDING"] != 1 {
			t.Errorf("%q: %+v, want one call that waits", content, got)
		}
		if b := upload(t, s, "reference_id,target\na,+12065550142\n"); b["status"] == "FAILED" || b["error_message"] != nil {
			t.Errorf("%q: after a good file %v", content, b)
		}
		runDry(t, s, clk, "b")
	}
}

func FuzzParseCSV(f *testing.F) {
	f.Add([]byte("\ufeffreference_id,target,clinic\na,+12065550142,\"A, B\"\n"))
	f.Add([]byte("reference_id,target\n\"a"))
	f.Add([]byte("target,reference_id\n\n\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		requests, failure := parseCSV(content)
		if (failure == "") != (len(requests) > 0) {
			t.Errorf("%d requests and failure %q", len(requests), failure)
		}
		for _, r := range requests {
			if r.Variables == nil || !utf8.ValidString(r.ReferenceID+r.Target) {
				t.Errorf("request %q", r)
			}
		}
	})
}

// A batch that paces itself is through shortly before its end.
func TestAutoCallRate(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	s.AddCampaign(certain(func(m *Mix) { m.Answered = 1 }))
	if err := s.CreateBatch(NewBatch{ID: "b", CampaignID: 1, Calls: 100, AutoCallRate: true}); err == nil {
		t.Error("it needs no end")
	}
	n := NewBatch{ID: "b", CampaignID: 1, Calls: 100, CallRate: 3600}
	n.AutoCallRate, n.ExpiresOn = true, epoch.Add(2*time.Hour)
	if err := s.CreateBatch(n); err != nil {
		t.Fatal(err)
	}
	if b := mustSend[map[string]any](t, s, "GET", api+"/batches/b", ""); b["auto_call_rate_baseline"] != nil {
		t.Errorf("baseline %v before the first dial", b["auto_call_rate_baseline"])
	}
	clk.advance(time.Hour)
	if got := s.Progress("b").RequestStatus["PENDING"]; got < 47 || got > 52 {
		t.Errorf("%d calls PENDING at half time, want about 50", got)
	}
	b := mustSend[map[string]any](t, s, "GET", api+"/batches/b", "")
	if rate := b["auto_call_rate_baseline"].(float64); b["auto_call_rate"] != true || rate < 49 || rate > 51 {
		t.Errorf("auto_call_rate %v, baseline %v, want about 50", b["auto_call_rate"], rate)
	}
	clk.advance(59 * time.Minute)
	if got := s.Progress("b").RequestStatus["PENDING"]; got > 1 {
		t.Errorf("%d calls PENDING near the end, want none", got)
	}
	off := mustSend[map[string]any](t, s, "PUT", api+"/batches/b", `{"auto_call_rate": false}`)
	if off["auto_call_rate"] != false || off["auto_call_rate_baseline"] != nil {
		t.Errorf("switched off: %v", off)
	}
}
