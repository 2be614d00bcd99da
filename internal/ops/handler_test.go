package ops_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/ops"
)

// checks has one check that passes and two that do not.
func checks() []ops.Check {
	return []ops.Check{
		{Name: "state", Ready: func() error { return nil }},
		{Name: "nats", Ready: func() error { return errors.New(`stream "CALLS" is <gone>`) }},
		{Name: "poll", Ready: func() error { return errors.New("no poll yet") }},
	}
}

const reasons = `{"status":"not ready","reasons":[` +
	`{"check":"nats","reason":"stream \"CALLS\" is <gone>"},{"check":"poll","reason":"no poll yet"}]}` + "\n"

const noReasons = `{"status":"not ready"}` + "\n"

func TestHealthPaths(t *testing.T) {
	t.Parallel()
	ready, ill := serve(t, ops.Options{Checks: checks()[:1]}), serve(t, ops.Options{Checks: checks()})
	for _, tt := range []struct {
		name, url string
		code      int
		body      string
		mime      string
	}{
		{"alive", ready + "/livez", 200, "ok", "text/plain; charset=utf-8"},
		{"alive, not ready", ill + "/livez", 200, "ok", "text/plain; charset=utf-8"},
		{"ready", ready + "/readyz", 200, `{"status":"ready"}` + "\n", "application/json"},
		{"ready, alias", ready + "/healthz", 200, `{"status":"ready"}` + "\n", "application/json"},
		{"not ready", ill + "/readyz", 503, reasons, "application/json"},
		{"not ready, alias", ill + "/healthz", 503, reasons, "application/json"},
	} {
		for method, body := range map[string]string{http.MethodGet: tt.body, http.MethodHead: ""} {
			got := request(t, method, tt.url)
			if got.Code != tt.code {
				t.Errorf("%s: %s: got %d, want %d", tt.name, method, got.Code, tt.code)
			}
			if diff := cmp.Diff(body, got.Body); diff != "" {
				t.Errorf("%s: %s: body (-want +got):\n%s", tt.name, method, diff)
			}
			for name, want := range map[string]string{
				"Content-Type":           tt.mime,
				"Cache-Control":          "no-store",
				"X-Content-Type-Options": "nosniff",
			} {
				if h := got.Header.Get(name); h != want {
					t.Errorf("%s: %s: %s is %q, want %q", tt.name, method, name, h, want)
				}
			}
		}
	}
}

// A check is asked again for every request.
func TestReadinessFollowsTheChecks(t *testing.T) {
	t.Parallel()
	verdicts := make(chan error, 2)
	url := serve(t, ops.Options{Checks: []ops.Check{{Name: "nats", Ready: func() error { return <-verdicts }}}})
	for err, want := range map[error]int{nil: 200, errors.New("down"): 503} {
		verdicts <- err
		if got := request(t, http.MethodGet, url+"/readyz"); got.Code != want {
			t.Errorf("check says %v: got %d, want %d", err, got.Code, want)
		}
	}
}

func TestOtherMethodsAndPaths(t *testing.T) {
	t.Parallel()
	url := serve(t, ops.Options{})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "BREW"} {
		for _, path := range []string{"/livez", "/readyz", "/healthz"} {
			got := request(t, method, url+path)
			if got.Code != http.StatusMethodNotAllowed || got.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: got %d, Allow: %q", method, path, got.Code, got.Header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{"/", "/nowhere", "/livez/", "/readyz/more", "/LIVEZ"} {
		if got := request(t, http.MethodGet, url+path); got.Code != http.StatusNotFound {
			t.Errorf("GET %s: got %d, want 404", path, got.Code)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	url := serve(t, ops.Options{Checks: checks(), Token: "open-sesame"})
	for _, tt := range []struct {
		authorization string
		ok            bool
	}{
		{"", false},
		{"Bearer", false},
		{"Bearer ", false},
		{"open-sesame", false},
		{"Bearer open-barley", false},
		{"Bearer open-sesame ", true}, // HTTP takes off space at the end of a header
		{"Bearer  open-sesame", false},
		{"Bearer open-sesame2", false},
		{"Basic open-sesame", false},
		{"Bearer open-sesame", true},
		{"bearer open-sesame", true},
	} {
		code, body := http.StatusUnauthorized, noReasons
		if tt.ok {
			code, body = http.StatusNotFound, reasons
		}
		other := request(t, http.MethodGet, url+"/nowhere", authorization(tt.authorization))
		if other.Code != code {
			t.Errorf("%q: got %d, want %d", tt.authorization, other.Code, code)
		}
		if challenge := other.Header.Get("WWW-Authenticate"); (challenge == "") != tt.ok {
			t.Errorf("%q: WWW-Authenticate is %q", tt.authorization, challenge)
		}
		for _, path := range []string{"/readyz", "/healthz"} {
			got := request(t, http.MethodGet, url+path, authorization(tt.authorization))
			if got.Code != http.StatusServiceUnavailable || got.Body != body {
				t.Errorf("%q: %s: got %d %s", tt.authorization, path, got.Code, got.Body)
			}
		}
		if got := request(t, http.MethodGet, url+"/livez", authorization(tt.authorization)); got.Code != 200 {
			t.Errorf("%q: /livez: got %d, want 200", tt.authorization, got.Code)
		}
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	open := serve(t, ops.Options{Checks: checks()})
	locked := serve(t, ops.Options{Checks: checks(), Token: "open-sesame"})
	for _, tt := range []struct {
		host string
		ok   bool
	}{
		{"localhost", true},
		{"LocalHost:8080", true},
		{"localhost.", true},
		{"127.0.0.1", true},
		{"127.0.0.1:8080", true},
		{"127.9.9.9", true},
		{"[::1]", true},
		{"[::1]:8080", true},
		{"attacker.example", false},
		{"attacker.example:8080", false},
		{"localhost.attacker.example", false},
		{"localhost:80@attacker.example", false},
		{"127.0.0.1.attacker.example", false},
		{"192.0.2.1:8080", false},
		{"0.0.0.0:8080", false},
		{"[2001:db8::1]:8080", false},
	} {
		code, body := http.StatusMisdirectedRequest, noReasons
		if tt.ok {
			code, body = http.StatusNotFound, reasons
		}
		if got := request(t, http.MethodGet, open+"/nowhere", host(tt.host)); got.Code != code {
			t.Errorf("%s: got %d, want %d", tt.host, got.Code, code)
		}
		// Probes are answered, but only the trusted learn the reasons.
		if got := request(t, http.MethodGet, open+"/readyz", host(tt.host)); got.Code != 503 || got.Body != body {
			t.Errorf("%s: /readyz: got %d %s", tt.host, got.Code, got.Body)
		}
		// A page that binds a name to us does not have the token; a proxy does.
		got := request(t, http.MethodGet, locked+"/readyz", host(tt.host), authorization("Bearer open-sesame"))
		if got.Body != reasons {
			t.Errorf("%s: /readyz with the token: got %s", tt.host, got.Body)
		}
	}
}
