package recording_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/recording"
)

func mustURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

func TestRead(t *testing.T) {
	t.Parallel()
	file := `
{"time":"2026-08-22T10:00:15Z","method":"GET","path":"/a","query":"","status":200,"body":null}

{"time":"2026-08-22T10:00:16+02:00","method":"GET","path":"/a","query":"x=1","status":429,` +
		`"header":{"Retry-After":"7"},"body_text":"<p>"}
{"time":"2026-08-22T10:00:17Z","method":"GET","path":"/a","status":304}`
	got, err := recording.Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	at := func(s int) time.Time { return time.Date(2026, 8, 22, 10, 0, s, 0, time.UTC) }
	want := []recording.Exchange{
		{Time: at(15), Method: "GET", Path: "/a", Status: 200, Body: json.RawMessage("null")},
		{
			Time: at(16).Add(-2 * time.Hour), Method: "GET", Path: "/a", Query: "x=1", Status: 429,
			Header: map[string]string{"Retry-After": "7"}, BodyText: "<p>",
		},
		{Time: at(17), Method: "GET", Path: "/a", Status: 304},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

const goodLine = `{"time":"2026-08-22T10:00:15Z","method":"GET","path":"/a","query":"","status":200,"body":[]}`

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, contains string }{
		{`{"time":`, "it is cut off"},
		{`nonsense 5550142`, "it is not JSON at byte 2"},
		{`[]`, "want an object, got a array"},
		{`{}`, "time is missing"},
		{goodLine + goodLine, "something follows the object"},
		{strings.Replace(goodLine, `"GET"`, `""`, 1), "method is missing"},
		{strings.Replace(goodLine, `"/a"`, `"a"`, 1), "path must begin with a slash"},
		{strings.Replace(goodLine, `200`, `99`, 1), "status 99: want 200 to 599"},
		{strings.Replace(goodLine, `200`, `"200"`, 1), "status is a string"},
		{strings.Replace(goodLine, `[]`, `[],"body_text":"x"`, 1), "both body and body_text"},
		{strings.Replace(goodLine, `"body"`, `"bdy"`, 1), `unknown field "bdy"`},
		{strings.Replace(goodLine, `2026-08-22T10:00:15Z`, `today 5550142`, 1), "time is not in RFC 3339"},
	} {
		_, err := recording.Read(strings.NewReader(goodLine + "\n" + tt.line + "\n"))
		if err == nil || !strings.HasPrefix(err.Error(), "line 2: ") || !strings.Contains(err.Error(), tt.contains) {
			t.Errorf("%s: %v, want line 2 and %q", tt.line, err, tt.contains)
		}
		if err != nil && strings.Contains(err.Error(), "5550142") {
			t.Errorf("the error quotes the line: %v", err)
		}
	}
	for _, empty := range []string{"", "\n\n"} {
		if _, err := recording.Read(strings.NewReader(empty)); err == nil || !strings.Contains(err.Error(), "no exchange") {
			t.Errorf("%q: %v", empty, err)
		}
	}
	if _, err := recording.Read(failing{}); !errors.Is(err, errBroken) {
		t.Errorf("%v, want the error of the file", err)
	}
}

var errBroken = errors.New("broken")

// failing is a file that can be neither read nor written.
type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, errBroken }
func (failing) Write([]byte) (int, error) { return 0, errBroken }

func FuzzRead(f *testing.F) {
	f.Add([]byte(goodLine))
	f.Add([]byte(`{"time":"2026-08-22T10:00:15Z","method":"GET","path":"/","status":200,"body_text":"\ud800"}`))
	f.Add([]byte("\n{\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		all, err := recording.Read(bytes.NewReader(file))
		if (err == nil) != (len(all) > 0) {
			t.Errorf("%d exchanges and %v", len(all), err)
		}
		w := recording.NewWriter(&bytes.Buffer{})
		for _, e := range all {
			if err := w.Add(e); err != nil && !strings.Contains(err.Error(), "valid JSON") {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/batches/a%2Fb/results?b=2&a=1", nil)
	w := httptest.NewRecorder()
	w.Header().Set("Retry-After", "7")
	got := recording.New(moment, r, 503, w.Header(), []byte(`{"a":1,"a":2}`))
	want := recording.Exchange{
		Time: moment, Method: "GET", Path: "/batches/a%2Fb/results", Query: "b=2&a=1", Status: 503,
		Header: map[string]string{"Retry-After": "7"}, Body: json.RawMessage(`{"a":1,"a":2}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWriter(t *testing.T) {
	t.Parallel()
	var writes writeCounter
	w := recording.NewWriter(&writes)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 25 {
				if err := w.Add(answered(fmt.Sprintf(`{"a": "<&> \n", "i": %d}`, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, err := recording.Read(&writes.Buffer)
	if err != nil || len(all) != 200 || writes.n != 200 {
		t.Errorf("%d exchanges in %d writes, %v, want 200 in 200", len(all), writes.n, err)
	}
}

// writeCounter counts writes, each of which must be a line.
type writeCounter struct {
	bytes.Buffer
	n int
}

func (w *writeCounter) Write(p []byte) (int, error) {
	if bytes.Count(p, []byte("\n")) != 1 || !bytes.HasSuffix(p, []byte("\n")) {
		return 0, errors.New("not one line")
	}
	w.n++
	return w.Buffer.Write(p)
}

func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := recording.NewWriter(&b)
	broken := answered("{}")
	broken.Body = json.RawMessage(`{"target":"+12065550142"`)
	noPath := answered("{}")
	noPath.Path = ""
	for _, e := range []recording.Exchange{{}, broken, noPath} {
		if err := w.Add(e); err == nil || strings.Contains(err.Error(), "5550142") {
			t.Errorf("%+v: %v", e, err)
		}
	}
	if b.Len() > 0 {
		t.Errorf("written: %s", b.String())
	}
	if err := recording.NewWriter(failing{}).Add(answered("{}")); !errors.Is(err, errBroken) {
		t.Errorf("%v, want the error of the file", err)
	}
}

func TestPlayer(t *testing.T) {
	t.Parallel()
	answer := func(path, query string, status int, body string) recording.Exchange {
		e := answered(body)
		e.Path, e.Query, e.Status = path, query, status
		return e
	}
	busy := answer("/a", "", 429, "slow down")
	busy.Header = map[string]string{"Retry-After": "7", "Content-Length": "3"}
	p := recording.NewPlayer([]recording.Exchange{
		answer("/a", "", 200, `[1]`), answer("/b%2Fc", "", 200, `"b"`), busy, answer("/a", "y=2&x=%31", 200, `"query"`),
		answer("/a", "", 304, ""), answer("/a", "", 200, "[2]"),
	})
	for i, step := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/a", 200, "[1]"},
		{"GET", "/a?x=1&y=2", 200, `"query"`},
		{"GET", "/a", 429, "slow down"},
		{"GET", "/b%2Fc", 200, `"b"`},
		{"GET", "/a", 304, ""},
		{"GET", "/a", 200, "[2]"},
		{"GET", "/a", 200, "[2]"},
		{"GET", "/b%2Fc", 200, `"b"`},
		{"GET", "/b/c", 404, `{"detail":"the recording has no answer to GET /b/c with this query"}`},
		{"GET", "/a?x=2", 404, `{"detail":"the recording has no answer to GET /a with this query"}`},
		{"POST", "/a", 404, `{"detail":"the recording has no answer to POST /a with this query"}`},
	} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(step.method, step.target, nil))
		if w.Code != step.status || w.Body.String() != step.body {
			t.Errorf("step %d: %s %s: %d %s, want %d %s", i, step.method, step.target, w.Code, w.Body, step.status, step.body)
		}
		if step.status == 429 && (w.Header().Get("Retry-After") != "7" || w.Header().Get("Content-Length") != "9") {
			t.Errorf("headers %v", w.Header())
		}
	}
}

// What one player answers, recorded and played again, is the same.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	w := recording.NewWriter(&file)
	bodies := []string{`[]`, `[{"reference_id":"1","request_status":"PENDING"}]`, `null`, `<p>`}
	for _, body := range bodies {
		if err := w.Add(answered(body)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := recording.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	p := recording.NewPlayer(all)
	for _, body := range bodies {
		a := httptest.NewRecorder()
		p.ServeHTTP(a, httptest.NewRequest("GET", resultsPath, nil))
		if a.Body.String() != body {
			t.Errorf("%s, want %s", a.Body, body)
		}
	}
}
