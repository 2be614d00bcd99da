package slackfake_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

func TestPostAsForm(t *testing.T) {
	t.Parallel()
	var told []slackfake.Message
	f := slackfake.New(slackfake.Options{
		Now: func() time.Time { return noon }, OnMessage: func(m slackfake.Message) { told = append(told, m) },
	})
	blocks := `[{"type":"divider"}]`
	first := post(t, f, "text", "a &amp; b", "blocks", blocks,
		"metadata", `{"event_type":"note","event_payload":{"id":"7"}}`,
		"unfurl_links", "false", "unfurl_media", "false", "mrkdwn", "false", "parse", "none", "thread_ts", "1.2")
	second := post(t, f, "text", "b")
	if !first.OK || !second.OK || first.TS == second.TS || first.Channel != "C1" || first.Message.Text != "a &amp; b" {
		t.Errorf("answers %+v, %+v", first, second)
	}
	want := []slackfake.Message{
		{
			Channel: "C1", TS: first.TS, Thread: "1.2", Text: "a &amp; b", Parse: "none", At: noon,
			Blocks: []slackfake.Block{{Type: "divider"}}, RawBlocks: json.RawMessage(blocks),
			Metadata: &slackfake.Metadata{EventType: "note", EventPayload: map[string]any{"id": "7"}},
		},
		{Channel: "C1", TS: second.TS, Text: "b", UnfurlLinks: true, UnfurlMedia: true, Markup: true, At: noon},
	}
	if diff := cmp.Diff(want, f.Messages()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestPostAsJSON(t *testing.T) {
	t.Parallel()
	f := unlimited()
	body := `{"channel":"C1","text":"a","unfurl_media":false,"blocks":[{"type":"divider"}],"as_user":true}`
	r := httptest.NewRequest(http.MethodPost, "/chat.postMessage", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if got := decode(t, w); !got.OK || len(got.Message.Blocks) != 1 {
		t.Fatalf("answer %s", w.Body)
	}
	if m := f.Messages()[0]; m.UnfurlMedia || m.Text != "a" || len(m.Blocks) != 1 {
		t.Errorf("message %+v", m)
	}
}

func TestRefusedBeforeTheMessage(t *testing.T) {
	t.Parallel()
	const (
		form   = "application/x-www-form-urlencoded"
		inJSON = `{"token":"` + token + `","channel":"C1","text":"a"}`
		odd    = "token=" + token + "&channel=C1&text=a&unfurl_links=no"
	)
	for name, c := range map[string]struct{ method, kind, body, want string }{
		"no token":        {"chat.postMessage", form, "channel=C1&text=a", "not_authed"},
		"wrong token":     {"chat.postMessage", form, "token=x&channel=C1&text=a", "invalid_auth"},
		"token in JSON":   {"chat.postMessage", "application/json", inJSON, "not_authed"},
		"no JSON":         {"chat.postMessage", "application/json", `{"text":7}`, "invalid_json"},
		"no content type": {"chat.postMessage", "", "token=" + token, "missing_post_type"},
		"other type":      {"chat.postMessage", "text/plain", "token=" + token, "invalid_post_type"},
		"no form":         {"chat.postMessage", form, "%zz", "invalid_form_data"},
		"no UTF-8":        {"chat.postMessage", form, "token=" + token + "&channel=C1&text=%ff", "invalid_charset"},
		"bytes":           {"chat.postMessage", form, "text=\xff", "invalid_charset"},
		"no boolean":      {"chat.postMessage", form, odd, "invalid_arguments"},
		"no channel":      {"chat.postMessage", form, "token=" + token + "&text=a", "channel_not_found"},
		"other channel":   {"chat.postMessage", form, "token=" + token + "&channel=C2&text=a", "channel_not_found"},
		"other method":    {"chat.update", form, "token=" + token, "unknown_method"},
		"auth.test":       {"auth.test", form, "token=x", "invalid_auth"},
	} {
		f := unlimited()
		w := send(f, c.method, c.kind, c.body)
		if got := decode(t, w); got.OK || got.Error != c.want || w.Code != http.StatusOK {
			t.Errorf("%s: %d %s, want %s", name, w.Code, w.Body, c.want)
		}
		if n := len(f.Messages()); n != 0 {
			t.Errorf("%s: stored", name)
		}
	}
	w := httptest.NewRecorder()
	unlimited().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/auth.test", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestAuthTest(t *testing.T) {
	t.Parallel()
	w := send(unlimited(), "auth.test", "application/x-www-form-urlencoded", "token="+token)
	if got := decode(t, w); !got.OK || got.User == "" {
		t.Errorf("answer %s", w.Body)
	}
}

func TestTextAndMetadata(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pairs []string
		want  string // empty: taken
	}{
		"nothing":        {nil, "no_text"},
		"blank":          {[]string{"text", " \n"}, "no_text"},
		"no blocks":      {[]string{"blocks", "[]"}, "no_text"},
		"longest":        {[]string{"text", strings.Repeat("é", 4000)}, ""},
		"too long":       {[]string{"text", strings.Repeat("é", 4001)}, "msg_too_long"},
		"too many emoji": {[]string{"text", strings.Repeat("🙂", 2001)}, "msg_too_long"},
		"metadata":       {[]string{"text", "a", "metadata", `{"event_type":"a_1","event_payload":{}}`}, ""},
		"no type":        {[]string{"text", "a", "metadata", `{"event_payload":{}}`}, "invalid_metadata_format"},
		"odd type": {
			[]string{"text", "a", "metadata", `{"event_type":"A b","event_payload":{}}`}, "invalid_metadata_format",
		},
		"no payload": {[]string{"text", "a", "metadata", `{"event_type":"a"}`}, "invalid_metadata_format"},
		"no object":  {[]string{"text", "a", "metadata", `"a"`}, "invalid_metadata_format"},
	} {
		f := unlimited()
		got := post(t, f, c.pairs...)
		if got.Error != c.want || got.OK != (c.want == "") || len(f.Messages()) == 1 != got.OK {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	now := noon
	f := slackfake.New(slackfake.Options{Burst: 2, Now: func() time.Time { return now }})
	form := func(channel string) string {
		return url.Values{"token": {token}, "channel": {channel}, "text": {"a"}}.Encode()
	}
	steps := []struct {
		wait    time.Duration
		channel string
		want    int
		after   string
	}{
		{0, "C1", 200, ""},
		{0, "C1", 200, ""},
		{0, "C1", 429, "1"},
		{0, "C2", 200, ""}, // each channel has its own
		{900 * time.Millisecond, "C1", 429, "1"},
		{100 * time.Millisecond, "C1", 200, ""}, // what was refused did not count
		{0, "C1", 429, "1"},
	}
	for i, s := range steps {
		now = now.Add(s.wait)
		w := send(f, "chat.postMessage", "application/x-www-form-urlencoded", form(s.channel))
		if w.Code != s.want || w.Header().Get("Retry-After") != s.after {
			t.Errorf("step %d: %d, Retry-After %q", i, w.Code, w.Header().Get("Retry-After"))
		}
	}
	if n := len(f.Messages()); n != 4 {
		t.Errorf("%d messages, want 4", n)
	}
}

func TestDefaultPace(t *testing.T) {
	t.Parallel()
	f := slackfake.New(slackfake.Options{Now: func() time.Time { return noon }})
	taken := 0
	for range 10 {
		if post(t, f, "text", "a").OK {
			taken++
		}
	}
	if taken != 4 {
		t.Errorf("%d at once, want 4", taken)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	f := unlimited()
	f.Next(slackfake.Fault{Error: "is_archived"}, slackfake.Fault{})
	f.Next(
		slackfake.Fault{Status: 503}, slackfake.Fault{Status: 429, RetryAfter: 1500 * time.Millisecond},
		slackfake.Fault{Status: 429}, slackfake.Fault{Body: "{}"},
	)
	if got := post(t, f, "channel", "C2", "text", "a"); got.Error != "channel_not_found" {
		t.Errorf("a wrong channel: %+v", got)
	}
	if got := post(t, f, "text", "a"); got.Error != "is_archived" {
		t.Errorf("first: %+v", got)
	}
	if got := post(t, f, "text", "a"); !got.OK {
		t.Errorf("second: %+v", got)
	}
	for _, want := range []struct {
		status      int
		after, body string
	}{{503, "", "<html>"}, {429, "2", "ratelimited"}, {429, "", "ratelimited"}, {200, "", "{}"}} {
		w := send(f, "chat.postMessage", "application/x-www-form-urlencoded", "token="+token+"&channel=C1&text=a")
		after, body := w.Header().Get("Retry-After"), w.Body.String()
		if w.Code != want.status || after != want.after || !strings.Contains(body, want.body) {
			t.Errorf("%d, %v, %s; want %+v", w.Code, w.Header(), w.Body, want)
		}
	}
	if n := len(f.Messages()); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
	if got := post(t, f, "text", "a"); !got.OK {
		t.Errorf("after all: %+v", got)
	}
}

func TestDropStoresAndCutsTheConnection(t *testing.T) {
	t.Parallel()
	f := unlimited()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.Next(slackfake.Fault{Drop: true})
	form := url.Values{"token": {token}, "channel": {"C1"}, "text": {"a"}}
	resp, err := server.Client().PostForm(server.URL+"/api/chat.postMessage", form)
	if err == nil {
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		t.Errorf("answered %d %s", resp.StatusCode, body)
	}
	if n := len(f.Messages()); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestMessagesAreACopy(t *testing.T) {
	t.Parallel()
	f := unlimited()
	post(t, f, "text", "a")
	f.Messages()[0].Text = "changed"
	if got := f.Messages()[0].Text; got != "a" {
		t.Errorf("text %q", got)
	}
}
