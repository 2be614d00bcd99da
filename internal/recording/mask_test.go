package recording_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/internal/recording"
)

var moment = time.Date(2026, 8, 22, 10, 0, 15, 0, time.UTC)

const resultsPath = "/api/v1/outbound/batches/20260822.9/results"

// answered is an exchange with a body, as a client would make it.
func answered(body string) recording.Exchange {
	r := &http.Request{Method: "GET", URL: mustURL("https://api.example.com" + resultsPath)}
	return recording.New(moment, r, 200, nil, []byte(body))
}

// written returns what a Writer makes of an exchange: the line, and what is
// read from it.
func written(t rapid.TB, e recording.Exchange) (string, recording.Exchange) {
	t.Helper()
	var b bytes.Buffer
	if err := recording.NewWriter(&b).Add(e); err != nil {
		t.Fatal(err)
	}
	all, err := recording.Read(strings.NewReader(b.String()))
	if err != nil || len(all) != 1 {
		t.Fatalf("%d exchanges, %v in %s", len(all), err, b.String())
	}
	return b.String(), all[0]
}

func TestMaskJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"nothing private", `[{"reference_id":"12345","attempt_count":2,"session_id":123456789012}]`, ""},
		{"null", `null`, ""},
		{"text", `"call 206-555-0142"`, `"call ***-***-****"`},
		{"target", `[{"target":"+12065550142"},{"target":"206-555-0143"}]`,
			`[{"target":"+*********42"},{"target":"***-***-**43"}]`},
		{"target is short", `{"target":"55501"}`, `{"target":"*****"}`},
		{"target is an address", `{"target":"caller@example.com"}`, `{"target":"******@*******.***"}`},
		{"target is a number", `{"target":12065550142}`, `{"target":"masked"}`},
		{"target is null", `{"target":null}`, ""},
		{"key in other letters", `{"TARGET":"+12065550142"}`, `{"TARGET":"+*********42"}`},
		{"key twice", `{"target":"+12065550142","target":"+12065550143"}`,
			`{"target":"+*********42","target":"+*********43"}`},
		{"escaped key", `{"t\u0061rget":"+12065550142"}`, `{"t\u0061rget":"+*********42"}`},
		{"number of an unknown key", `{"a":2065550142,"b":12065550142,"c":206555014}`, `{"a":0,"b":0,"c":206555014}`},
		{"number with an exponent", `{"insights":{"a":2.065550142e9,"b":2065550142.5,"c":1e2},"d":2.065550142E+9}`,
			`{"insights":{"a":0,"b":0,"c":1e2},"d":0}`},
		{"number as a key", `{"insights":{"206-555-0142":1},"2065550142":{"x":[]}}`,
			`{"insights":{"***-***-****":1},"**********":{"x":[]}}`},
		{"escaped digits", `{"a":"\u0032\u0030\u0036-555-0142"}`, `{"a":"***-***-****"}`},
		{
			"variables", `{"request_variables":{"clinic":"A & B","n":5,"deep":{"a":["x",true,null]}}}`,
			`{"request_variables":{"clinic":"masked","n":"masked","deep":{"a":["masked","masked",null]}}}`,
		},
		{"variables that are none", `{"request_variables":"secret"}`, `{"request_variables":"masked"}`},
		{
			"names in variables mean nothing",
			`{"request_variables":{"reference_id":"secret","created_at":"2026-08-22T10:00:00Z"}}`,
			`{"request_variables":{"reference_id":"masked","created_at":"masked"}}`,
		},
		{"campaign", `{"caller_id":"+12065550100","source":"+12065550101"}`,
			`{"caller_id":"+*********00","source":"+*********01"}`},
		{"campaign's variables", `{"campaign_variables":{"a":"b"},"last_updated_by":"a@example.com"}`,
			`{"campaign_variables":{"a":"masked"},"last_updated_by":"masked"}`},
		{"summary", `{"insights":{"rating":"Good","summary":"Wants a call at (206) 555-0142 at 10:30."}}`,
			`{"insights":{"rating":"Good","summary":"Wants a call at (***) ***-**** at 10:30."}}`},
		{"numbers in insights", `{"insights":{"score":0.123456789,"callback":2065550142,"negative":-2065550142}}`,
			`{"insights":{"score":0.123456789,"callback":0,"negative":0}}`},
		{"days in insights", `{"insights":{"day":"2026-08-22","summary":"On 2026-08-22, or 2026-08-23."}}`, ""},
		{"insights name no call", `{"insights":{"reference_id":"206 555 0142"}}`,
			`{"insights":{"reference_id":"*** *** ****"}}`},
		{"digits of other scripts", `{"insights":{"a":"٢٠٦٥٥٥٠١٤٢"}}`, `{"insights":{"a":"**********"}}`},
		{"dots and spaces", `{"a":"206.555.0142","b":"+1 206 555 0142","c":"5550142","d":"555014"}`,
			`{"a":"***.***.****","b":"+* *** *** ****","c":"*******","d":"555014"}`},
		{"names", `{"batch_id":"20260822.9","reference_id":"2065550142","channel_manager_sid":"CA1234567890"}`, ""},
		{"times", `{"created_at":"2026-08-22T10:00:00.5Z","sent_at":"2026-08-22T12:00:00+02:00"}`, ""},
		{"times without a zone", `{"a":"2026-08-22T10:00:00.123456","b":"2026-08-22 10:00:00"}`, ""},
		{"times with a space", `{"a":"2026-08-22 10:00:00.123456+00:00","b":"2026-08-22 10:00:00Z"}`, ""},
		{"more than a time", `{"error_message":"at 2026-08-22T10:00:00Z for 2065550142"}`,
			`{"error_message":"at 2026-08-22T10:00:00Z for **********"}`},
		{"numbers as they were written", `{"a":1.50,"b":1e3,"c":-0}`, ""},
	} {
		want := tt.want
		if want == "" {
			want = tt.body
		}
		_, got := written(t, answered(tt.body))
		if string(got.Body) != want || got.BodyText != "" {
			t.Errorf("%s: %s%s, want %s", tt.name, got.Body, got.BodyText, want)
		}
	}
}

func TestMaskText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"<html>Call 206-555-0142, error 502</html>": "<html>Call ***-***-****, error ***</html>",
		"[]garbage":                               "[]*******",
		`[{"target":"+12065550142","request_var`:  `[{"target":"+*********42","*******_***`,
		`[{"target":"+1206555`:                    `[{"target":"+*******`,
		`[{"request_variables":{"a":"b"},"x":"y`:  `[{"request_variables":{"a":"masked"},"x":"*`,
		`[{"request_variables":{"a":"b","c":"Jan`: `[{"request_variables":{"a":"masked","c":"***`,
		"{\"summary\":\"J\xffne\"}":               `{"summary":"*` + "\ufffd" + `**"}`,
		" [1,2":                                   " [1,2",
	} {
		_, got := written(t, answered(body))
		if got.BodyText != want || got.Body != nil {
			t.Errorf("%q: %q %s, want %q", body, got.BodyText, got.Body, want)
		}
	}
	if _, got := written(t, answered("")); got.Body != nil || got.BodyText != "" {
		t.Errorf("an empty body became %q %s", got.BodyText, got.Body)
	}
}

func TestMaskHeaders(t *testing.T) {
	t.Parallel()
	e := answered("{}")
	e.Header = map[string]string{
		"Content-Type": "application/json", "retry-after": "7", "ETag": `"x"`, "Last-Modified": "now",
		"Location":   "https://user:secret@example.com/path?token=secret#secret",
		"Set-Cookie": "session=secret", "X-Other": "secret",
	}
	before := len(e.Header)
	line, got := written(t, e)
	want := map[string]string{
		"Content-Type": "application/json", "retry-after": "7", "ETag": `"x"`, "Last-Modified": "now",
		"Location": "https://example.com/path",
	}
	if diff := cmp.Diff(want, got.Header); diff != "" || strings.Contains(line, "secret") {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(e.Header) != before {
		t.Error("the exchange of the caller was changed")
	}
}

var phone = regexp.MustCompile(`55[ .-]?50?1`)

// Nothing private gets through, whatever the shape of the body, and cut where
// it may be; and what is masked keeps its form.
func TestNothingPrivateGetsThrough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`\+1[2-9][0-9]{2}[ .-]?555[ .-]?01[0-9]{2}`).Draw(t, "number")
		secret := "cañary" + rapid.StringMatching(`[a-z"\\<]{0,4}`).Draw(t, "variable")
		call := map[string]any{
			"reference_id": "ref-1", "target": number, "created_at": "2026-08-22T10:00:00Z",
			"request_variables": map[string]any{"name": secret, "phone": number, "more": []any{secret}},
			"insights":          map[string]any{"summary": "Call " + number + " back.", "rating": "Good"},
			"error":             number,
		}
		body, err := json.Marshal([]any{call, map[string]any{"items": []any{call}}})
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.IntRange(0, len(body)).Draw(t, "cut")
		line, got := written(t, answered(string(body[:cut])))
		if strings.Contains(line, "cañary") || strings.Contains(line, `ca\u00f1ary`) || phone.MatchString(line) {
			t.Fatalf("private in %s", line)
		}
		if cut < len(body) {
			return
		}
		if !strings.Contains(string(got.Body), "ref-1") || !strings.Contains(string(got.Body), "Good") ||
			!strings.Contains(string(got.Body), "2026-08-22T10:00:00Z") {
			t.Fatalf("too much is masked in %s", got.Body)
		}
		again, _ := written(t, got)
		if again != line {
			t.Fatalf("masked twice:\n%s\nonce:\n%s", again, line)
		}
	})
}

// FuzzWriter writes any body, and reads what was written.
func FuzzWriter(f *testing.F) {
	for _, seed := range []string{
		`[{"target":"+12065550142","request_variables":{"a":"b"}}]`, `[]garbage`, `null`, ``, `"`, "\xff", `{"a":1,"a":2}`,
		`{"insights":{"a":12345678}}`, `[[[[`, `{"target":{"target":["1"]}}`, " \n", "[1] ", `1e999`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e := answered(string(body))
		_, got := written(t, e)
		if (got.Body != nil) != (e.Body != nil) {
			t.Errorf("%q became %q %q", body, got.Body, got.BodyText)
		}
		if got.Body != nil && !jsontext.Value(got.Body).IsValid(jsontext.AllowDuplicateNames(true)) {
			t.Errorf("%q became %q, which is not JSON", body, got.Body)
		}
	})
}

func TestMaskQuery(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"page=0&limit=100&order_by=last_updated_at": "",
		"reference_id=2065550142":                   "", // as in a body
		"start_datetime=2026-08-22T10%3A00%3A00Z":   "",
		"search_field_values=206-555-0142&page=1":   "search_field_values=%2A%2A%2A-%2A%2A%2A-%2A%2A%2A%2A&page=1",
		"a=%zz&b":                           "a=masked&b",
		"from=2026-08-22+10:00:00.12345678": "",
	} {
		e := answered("[]")
		e.Query = query
		if want == "" {
			want = query
		}
		_, got := written(t, e)
		if got.Query != want {
			t.Errorf("query %s becomes %s, want %s", query, got.Query, want)
		}
		// Who asks as before gets the answer.
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, resultsPath, nil)
		r.URL.RawQuery = query
		if recording.NewPlayer([]recording.Exchange{got}).ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Errorf("query %s is answered with %d", query, w.Code)
		}
	}
}
