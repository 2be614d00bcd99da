package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
	"github.com/syllable-notifier/notifier/internal/publish/slack"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

func TestNewNamesEveryMistakeAndNoValue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config slack.Config
		want   []string
	}{
		"nothing": {slack.Config{}, []string{"token", "channel"}},
		"spaces":  {slack.Config{Token: "canary a\n", Channel: "# canary"}, []string{"token", "channel"}},
		"scheme":  {slack.Config{Token: "t", Channel: "c", APIURL: "ftp://canary/"}, []string{"API URL"}},
		"host":    {slack.Config{Token: "t", Channel: "c", APIURL: "https:canary"}, []string{"API URL"}},
		"query":   {slack.Config{Token: "t", Channel: "c", APIURL: "https://h/?canary"}, []string{"API URL"}},
		"broken":  {slack.Config{Token: "t", Channel: "c", APIURL: "https://canary:x%zz/"}, []string{"API URL"}},
	} {
		_, err := slack.New(c.config)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not name the %s", name, err, want)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %q shows a value", name, err)
		}
	}
}

func TestAPIURLNeedsNoSlashAtTheEnd(t *testing.T) {
	t.Parallel()
	var seen string
	s, err := slack.New(slack.Config{
		Token: token, Channel: channel, APIURL: "http://proxy.example.com/slack/api",
		HTTPClient: &http.Client{Transport: memory{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = r.URL.String()
			newFake().ServeHTTP(w, r)
		})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Deliver(t.Context(), completed(t, "1", `{}`)); err != nil {
		t.Fatal(err)
	}
	if want := "http://proxy.example.com/slack/api/chat.postMessage"; seen != want {
		t.Errorf("asked %s, want %s", seen, want)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := newSink(t, newFake()).Check(t.Context()); err != nil {
		t.Error(err)
	}
	other := slackfake.New(slackfake.Options{Token: "xoxb-another"})
	err := newSink(t, other).Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "invalid_auth") {
		t.Errorf("error %v, want invalid_auth", err)
	}
}

func TestOtherEventsAreIgnored(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := newSink(t, f)
	if s.Name() != "slack" {
		t.Errorf("name %q", s.Name())
	}
	for _, name := range []string{"insights.updated", "insights.failed", "request.completed", "batch.completed", ""} {
		e := completed(t, "1", `{}`)
		e.Name, e.Data = name, json.RawMessage(`[]`)
		if err := s.Deliver(t.Context(), e); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(f.Messages()); n != 0 {
		t.Errorf("%d messages", n)
	}
}

func TestEventsThatAreNoneAreGivenUp(t *testing.T) {
	t.Parallel()
	f := newFake()
	for name, data := range map[string]string{
		"empty": ``, "no JSON": `{`, "no object": `[1]`,
		"another call": `{"batch_id":"20260822.9","reference_id":"2","revision":6}`,
	} {
		e := completed(t, "1", `{}`)
		e.Data = json.RawMessage(data)
		if err := newSink(t, f).Deliver(t.Context(), e); !publish.IsPermanent(err) {
			t.Errorf("%s: %v is not permanent", name, err)
		}
	}
	if n := len(f.Messages()); n != 0 {
		t.Errorf("%d messages", n)
	}
}

// A result that is not as documented still makes a message.
func TestOddResultsAreShown(t *testing.T) {
	t.Parallel()
	for _, result := range []string{
		`null`, `[]`, `"text"`, `{"insights":[1,2]}`, `{"insights":"none"}`, `{"target":5125550134}`,
		`{"insights":{"summary":{"a":1},"rating":[],"":""}}`, `{"attempt_count":1e99,"sent_at":7,"request_status":{}}`,
	} {
		e := completed(t, "1", `{}`)
		e.Data = json.RawMessage(`{"batch_id":"20260822.9","reference_id":"1","revision":6,"result":` + result + `}`)
		m := deliver(t, e)
		if len(m.Blocks) == 0 || m.Blocks[0].Text.Text == "" || strings.Contains(m.Plain(80), "5125550134") {
			t.Errorf("%s: shown as\n%s", result, m.Plain(80))
		}
	}
}

func TestDeliverAgainPostsAgain(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.Next(slackfake.Fault{Drop: true})
	s, e := newSink(t, f), completed(t, "1", `{}`)
	err := s.Deliver(t.Context(), e)
	if err == nil || publish.IsPermanent(err) || publish.RetryWait(err) != 0 {
		t.Fatalf("after a lost answer: %v", err)
	}
	if err := s.Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	// What makes the two messages one event is the metadata.
	var ids []any
	for _, m := range f.Messages() {
		ids = append(ids, m.Metadata.EventPayload["event_id"])
	}
	if diff := cmp.Diff([]any{e.ID.String(), e.ID.String()}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestOneMessageASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The fake would refuse a message that comes too early.
		f := slackfake.New(slackfake.Options{Token: token, Burst: 1})
		s, err := slack.New(slack.Config{
			Token: token, Channel: channel, HTTPClient: &http.Client{Transport: memory{f}},
		})
		if err != nil {
			t.Fatal(err)
		}
		f.Next(slackfake.Fault{}, slackfake.Fault{Error: "invalid_blocks"}) // so that one is posted twice
		start := time.Now()
		for range 3 {
			if err := s.Deliver(t.Context(), completed(t, "1", `{}`)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("four posts took %s, want 3s", took)
		}
	})
}

func TestPaceCanBeSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := slack.New(slack.Config{
			Token: token, Channel: channel, Pace: time.Minute, HTTPClient: &http.Client{Transport: memory{newFake()}},
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for range 2 {
			if err := s.Deliver(t.Context(), completed(t, "1", `{}`)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("two posts took %s, want 1m", took)
		}
	})
}

func TestCancelWhileWaitingForATurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s, err := slack.New(slack.Config{
			Token: token, Channel: channel, Pace: time.Hour, HTTPClient: &http.Client{Transport: memory{f}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver(t.Context(), completed(t, "1", `{}`)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		err = s.Deliver(ctx, completed(t, "2", `{}`))
		if !errors.Is(err, context.Canceled) || publish.IsPermanent(err) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		if n := len(f.Messages()); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
	})
}

// stuck never answers.
type stuck struct{}

func (stuck) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestCancelAndTimeOutWhilePosting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			client time.Duration
			caller time.Duration
			want   error
		}{
			{caller: time.Minute, want: context.Canceled},
			{client: time.Minute, caller: time.Hour, want: context.DeadlineExceeded},
		} {
			s, err := slack.New(slack.Config{
				Token: token, Channel: channel, HTTPClient: &http.Client{Transport: stuck{}, Timeout: c.client},
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(c.caller, cancel)
			err = s.Deliver(ctx, completed(t, "1", `{}`))
			if !errors.Is(err, c.want) || publish.IsPermanent(err) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			timer.Stop()
			cancel()
		}
	})
}

func TestSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	f := newFake()
	s := newSink(t, f)
	done := make(chan error)
	events := []event.Event{completed(t, "1", `{}`), completed(t, "2", `{}`), completed(t, "3", `{}`)}
	for _, e := range events {
		go func() { done <- s.Deliver(t.Context(), e) }()
	}
	for range events {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := len(f.Messages()); n != len(events) {
		t.Errorf("%d messages", n)
	}
}
