package ops_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/ops"
)

func ask(t *testing.T, addr, token, batch string) (ops.Status, []byte, error) {
	t.Helper()
	c, err := ops.NewClient(addr, token)
	if err != nil {
		return ops.Status{}, nil, err
	}
	return c.Status(t.Context(), batch)
}

// pretend answers everything alike, as some other program may, and returns its
// address.
func pretend(t *testing.T, code int, body string) string {
	t.Helper()
	return pretendType(t, code, "", body)
}

// pretendType is pretend with a content type.
func pretendType(t *testing.T, code int, contentType, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://192.0.2.1/")
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestClient(t *testing.T) {
	t.Parallel()
	o := options(3)
	o.Token = "right"
	addr := strings.TrimPrefix(serve(t, o), "http://")
	s, raw, err := ask(t, addr, "right", "")
	if err != nil || len(s.Batches) != 3 || !json.Valid(raw) {
		t.Errorf("%d batches, error %v, answer %s", len(s.Batches), err, raw)
	}
	if s, _, err := ask(t, addr, "right", "b.0002"); err != nil || len(s.Batches) != 1 || s.Batches[0].ID != "b.0002" {
		t.Errorf("of one batch: %d, error %v", len(s.Batches), err)
	}
	if s, _, err := ask(t, addr, "right", "b.0002&batch="); err != nil || len(s.Batches) != 0 {
		t.Errorf("of a batch that is not there: %d, error %v", len(s.Batches), err)
	}
}

// What a newer daemon adds is there in the answer.
func TestClientKeepsTheAnswer(t *testing.T) {
	t.Parallel()
	const answer = `{"store":"s7k2","news":[1,2]}`
	if _, raw, err := ask(t, pretend(t, http.StatusOK, answer), "", ""); err != nil || string(raw) != answer {
		t.Errorf("answer %s, error %v", raw, err)
	}
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	o := options(1)
	o.Token = "right"
	guarded := strings.TrimPrefix(serve(t, o), "http://")
	older := strings.TrimPrefix(serve(t, ops.Options{}), "http://")
	for name, tt := range map[string]struct{ addr, want string }{
		"wrong token":      {guarded, "set NOTIFIER_HTTP_TOKEN"},
		"nobody there":     {"127.0.0.1:1", "127.0.0.1:1: is it running"},
		"everywhere":       {":1", "127.0.0.1:1: is it running"},
		"an older one":     {older, "404 Not Found: is it another program, or an older version"},
		"another name":     {pretend(t, 421, ""), "to 127.0.0.1 and its port"},
		"a redirect":       {pretend(t, 302, ""), "302 Found: is it another program"},
		"a page":           {pretend(t, 200, "<html>\x1b[2J"), "is it another program"},
		"another's JSON":   {pretend(t, 200, `{"status":"ok"}`), "is no notifier"},
		"null":             {pretend(t, 200, `null`), "is no notifier"},
		"any port":         {"127.0.0.1:0", "its log tells"},
		"no port":          {"localhost", "want host:port"},
		"no port, however": {"", "NOTIFIER_HTTP_ADDR"},
	} {
		_, _, err := ask(t, tt.addr, "canary-4711", "")
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want it to say %q", name, err, tt.want)
		} else if strings.Contains(err.Error(), "4711") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: error %q", name, err)
		}
	}
}
