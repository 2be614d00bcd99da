package slackfake_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "xoxb-fictional"

var noon = time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)

// unlimited returns a workspace with one token, one channel and no limit of
// pace.
func unlimited() *slackfake.Fake {
	return slackfake.New(slackfake.Options{
		Token: token, Channels: []string{"C1"}, Burst: -1, Now: func() time.Time { return noon },
	})
}

// reply is what these tests read of an answer.
type reply struct {
	OK      bool   `json:"ok"`
	Error   string `json:"error"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	User    string `json:"user"`
	Message struct {
		Text   string            `json:"text"`
		Blocks []json.RawMessage `json:"blocks"`
	} `json:"message"`
	Meta struct {
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

func send(h http.Handler, method, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/api/"+method, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func decode(t *testing.T, w *httptest.ResponseRecorder) reply {
	t.Helper()
	var got reply
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return got
}

// post sends chat.postMessage as a form; of each pair, a name comes first.
// Token and channel are added unless given.
func post(t *testing.T, f *slackfake.Fake, pairs ...string) reply {
	t.Helper()
	form := url.Values{"token": {token}, "channel": {"C1"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return decode(t, send(f, "chat.postMessage", "application/x-www-form-urlencoded", form.Encode()))
}
