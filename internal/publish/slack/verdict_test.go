package slack_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/publish"
	"github.com/syllable-notifier/notifier/internal/publish/slack"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

// Whatever ails the endpoint: neither final nor posted, and the error says
// what to do.
func TestEndpointIll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault slackfake.Fault
		want  string
	}{
		{slackfake.Fault{Error: "not_authed"}, "NOTIFIER_SLACK_TOKEN"},
		{slackfake.Fault{Error: "invalid_auth"}, "NOTIFIER_SLACK_TOKEN"},
		{slackfake.Fault{Error: "token_expired"}, "NOTIFIER_SLACK_TOKEN"},
		{slackfake.Fault{Error: "token_revoked"}, "install"},
		{slackfake.Fault{Error: "account_inactive"}, "install"},
		{slackfake.Fault{Error: "missing_scope"}, "chat:write"},
		{slackfake.Fault{Error: "channel_not_found"}, "NOTIFIER_SLACK_CHANNEL"},
		{slackfake.Fault{Error: "not_in_channel"}, "/invite"},
		{slackfake.Fault{Error: "is_archived"}, "unarchive"},
		{slackfake.Fault{Error: "restricted_action"}, "administrator"},
		{slackfake.Fault{Error: "internal_error"}, "tried again"},
		{slackfake.Fault{Error: "never_seen_before"}, "docs.slack.dev"},
		{slackfake.Fault{Error: "<b>odd</b>"}, "API URL"},
		{slackfake.Fault{Status: 500}, "tried again"},
		{slackfake.Fault{Status: 503}, "tried again"},
		{slackfake.Fault{Status: 404}, "NOTIFIER_SLACK_API_URL"},
		{slackfake.Fault{Status: 302}, "NOTIFIER_SLACK_API_URL"},
		{slackfake.Fault{Body: `{}`}, "API URL"},
		{slackfake.Fault{Body: `{"ok":false}`}, "API URL"},
		{slackfake.Fault{Body: `{"ok":"yes"}`}, "API URL"},
		{slackfake.Fault{Body: `<html>log in</html>`}, "API URL"},
		{slackfake.Fault{Body: `null`}, "API URL"},
		{slackfake.Fault{Body: `{"ok":true,"ts":"1.0"`}, "API URL"},
		{slackfake.Fault{Drop: true}, "cannot reach Slack"},
	} {
		f := newFake()
		f.Next(c.fault)
		err := newSink(t, f).Deliver(t.Context(), completed(t, "1", `{}`))
		switch {
		case err == nil:
			t.Errorf("%+v: taken", c.fault)
		case publish.IsPermanent(err) || publish.RetryWait(err) != 0:
			t.Errorf("%+v: %v is a verdict on the event", c.fault, err)
		case !strings.Contains(err.Error(), c.want):
			t.Errorf("%+v: %q does not say %q", c.fault, err, c.want)
		}
		if n := len(f.Messages()); n != 0 && !c.fault.Drop {
			t.Errorf("%+v: %d messages", c.fault, n)
		}
	}
}

// slack-go takes an echo that it cannot decode for a failure; the message
// would be posted again and again.
func TestAnEchoThatIsNotUnderstoodIsASuccess(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"ok":true,"channel":"C1","ts":"1.0","message":{"blocks":{"not":"a list"},"ts":7}}`,
		`{"ok":true,"channel":["C1"],"ts":1.0,"response_metadata":[]}`,
		`{"ts":1,"ok":true}`,
	} {
		f := newFake()
		f.Next(slackfake.Fault{Body: body})
		if err := newSink(t, f).Deliver(t.Context(), completed(t, "1", `{}`)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// An error stays known whatever else the answer has.
func TestAnErrorAmongOddFieldsIsKnown(t *testing.T) {
	t.Parallel()
	f := newFake()
	body := `{"ok":false,"error":"is_archived","errors":[{"a":1}],"needed":[],"response_metadata":3}`
	f.Next(slackfake.Fault{Body: body})
	err := newSink(t, f).Deliver(t.Context(), completed(t, "1", `{}`))
	if err == nil || !strings.Contains(err.Error(), "is_archived") {
		t.Errorf("error %v", err)
	}
}

func TestSlowDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault slackfake.Fault
		want  time.Duration
	}{
		{slackfake.Fault{Status: 429, RetryAfter: 30 * time.Second}, 30 * time.Second},
		{slackfake.Fault{Status: 429, RetryAfter: 90 * time.Minute}, 90 * time.Minute},
		{slackfake.Fault{Status: 429}, 5 * time.Second},
		{slackfake.Fault{Error: "ratelimited"}, 5 * time.Second},
		{slackfake.Fault{Error: "message_limit_exceeded"}, 5 * time.Second},
	} {
		f := newFake()
		f.Next(c.fault)
		err := newSink(t, f).Deliver(t.Context(), completed(t, "1", `{}`))
		if got := publish.RetryWait(err); got != c.want || publish.IsPermanent(err) {
			t.Errorf("%+v: %v asks for %s, want %s", c.fault, err, got, c.want)
		}
	}
}

func TestRefusedMessagesAreSentAsText(t *testing.T) {
	t.Parallel()
	result := `{"request_status":"COMPLETED","insights":{"summary":"` + strings.Repeat("long < ", 400) + `"}}`
	for code, metadata := range map[string]bool{
		"invalid_blocks": true, "invalid_blocks_format": true, "msg_blocks_too_long": true, "msg_too_long": true,
		"no_text": true, "invalid_metadata_format": false, "metadata_too_large": false,
	} {
		f := newFake()
		f.Next(slackfake.Fault{Error: code})
		if err := newSink(t, f).Deliver(t.Context(), completed(t, "12345", result)); err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		m := f.Messages()[0]
		if len(f.Messages()) != 1 || m.Blocks != nil || (m.Metadata != nil) != metadata {
			t.Errorf("%s: sent as %+v", code, f.Messages())
		}
		if n := len(m.Text); n > 400 || !strings.Contains(m.Text, "12345") || !strings.HasSuffix(m.Text, "…") {
			t.Errorf("%s: text of %d bytes: %s", code, n, m.Text)
		}
	}
}

func TestRefusedAsTextTooIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFake()
	body := `{"ok":false,"error":"msg_too_long",` +
		`"response_metadata":{"messages":["[ERROR] canary [json-pointer:/blocks/2/fields/1/text]"]}}`
	f.Next(slackfake.Fault{Error: "invalid_blocks"}, slackfake.Fault{Body: body})
	err := newSink(t, f).Deliver(t.Context(), completed(t, "1", `{}`))
	if !publish.IsPermanent(err) {
		t.Fatalf("%v is not permanent", err)
	}
	for _, want := range []string{"msg_too_long", "/blocks/2/fields/1/text", "s1.20260822%2E9.1.6"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("%q repeats what the server said", err)
	}
}

// The verdict is that of the last attempt.
func TestIllWhileSentAsTextIsNotFinal(t *testing.T) {
	t.Parallel()
	for _, second := range []slackfake.Fault{
		{Error: "invalid_auth"}, {Status: 503}, {Status: 429, RetryAfter: 7 * time.Second},
	} {
		f := newFake()
		f.Next(slackfake.Fault{Error: "invalid_blocks"}, second)
		err := newSink(t, f).Deliver(t.Context(), completed(t, "1", `{}`))
		if err == nil || publish.IsPermanent(err) || publish.RetryWait(err) != second.RetryAfter {
			t.Errorf("%+v: %v", second, err)
		}
	}
}

// leaky fails with an error that quotes all of the request.
type leaky struct{}

func (leaky) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("malformed answer %q", body)
}

func TestNoSecretInAnyError(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	result := `{"target":"512-555-0134","request_variables":{"a":"canary-variable"},` +
		`"insights":{"summary":"canary-summary"}}`
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		fmt.Fprintf(w, `{"ok":false,"error":%q}`, r.Form.Get("token"))
	})
	for name, c := range map[string]slack.Config{
		"quoting transport": {HTTPClient: &http.Client{Transport: leaky{}}},
		"echoed as error":   {HTTPClient: &http.Client{Transport: memory{echo}}},
		"nobody listens":    {APIURL: "http://canary-user:canary-password@" + closed + "/canary-path"},
		"wrong token":       {HTTPClient: &http.Client{Transport: memory{slackfake.New(slackfake.Options{Token: "t"})}}},
		"token as code":     {Token: "canary_code", HTTPClient: &http.Client{Transport: memory{echo}}},
	} {
		c.Channel = channel
		if c.Token == "" {
			c.Token = token
		}
		s, err := slack.New(c)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{s.Deliver(t.Context(), completed(t, "1", result)), s.Check(t.Context())} {
			if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "0134") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A redirect would take the token, which is in the body, to another host.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	followed := make(chan string, 1)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		followed <- r.URL.Path
	}))
	t.Cleanup(elsewhere.Close)
	api := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(api.Close)
	s, err := slack.New(slack.Config{Token: token, Channel: channel, APIURL: api.URL, HTTPClient: api.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver(t.Context(), completed(t, "1", `{}`)); err == nil || publish.IsPermanent(err) {
		t.Errorf("error %v", err)
	}
	select {
	case path := <-followed:
		t.Errorf("followed to %s", path)
	default:
	}
}

// What the fake does in memory is what a network does.
func TestOverARealConnection(t *testing.T) {
	t.Parallel()
	f := newFake()
	api := httptest.NewServer(f)
	t.Cleanup(api.Close)
	s, err := slack.New(slack.Config{
		Token: token, Channel: channel, APIURL: api.URL + "/api/", HTTPClient: api.Client(), Pace: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Next(slackfake.Fault{Drop: true})
	if err := s.Deliver(t.Context(), completed(t, "1", `{}`)); !errors.Is(err, io.EOF) || publish.IsPermanent(err) {
		t.Errorf("dropped connection: %v", err)
	}
	if err := s.Deliver(t.Context(), completed(t, "1", `{}`)); err != nil {
		t.Error(err)
	}
	if n := len(f.Messages()); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}
