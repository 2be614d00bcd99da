package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish/slack"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token   = "xoxb-canary-0123456789"
	channel = "#calls"
)

var observed = time.Date(2026, 8, 22, 10, 0, 15, 0, time.UTC)

// memory is a transport that calls a handler without a network in between.
type memory struct{ http.Handler }

func (m memory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if cause := recover(); cause != nil {
			if abort, ok := cause.(error); !ok || !errors.Is(abort, http.ErrAbortHandler) {
				panic(cause)
			}
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w.Result(), nil
}

// newFake returns a workspace that has one channel and no limit of pace.
func newFake() *slackfake.Fake {
	return slackfake.New(slackfake.Options{
		Token: token, Channels: []string{channel}, Burst: -1, Now: func() time.Time { return observed },
	})
}

// newSink returns a sink of the handler that does not pace itself.
func newSink(t interface{ Fatal(...any) }, h http.Handler) *slack.Sink {
	s, err := slack.New(slack.Config{
		Token: token, Channel: channel, Pace: -1, HTTPClient: &http.Client{Transport: memory{h}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// completed returns the event insights.completed of a call whose object is
// the JSON given.
func completed(t interface{ Fatal(...any) }, reference, result string) event.Event {
	campaign := int64(7)
	from, to := "PROCESSING", "COMPLETED"
	call := event.Call{
		BatchID: "20260822.9", CampaignID: &campaign, ReferenceID: reference,
		Field: event.FieldInsightsStatus, From: &from, To: &to, Revision: 6,
		Observed: event.Observed{Until: observed},
		Result:   json.RawMessage(result),
	}
	data, err := call.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return event.Event{
		ID:   event.ID{Store: "s1", Batch: call.BatchID, Reference: reference, Revision: 6},
		Name: event.InsightsCompleted, CampaignID: &campaign, Time: observed, Data: data,
	}
}

// deliver delivers an event that must be taken, and returns its message.
func deliver(t interface{ Fatal(...any) }, e event.Event) slackfake.Message {
	f := newFake()
	if err := newSink(t, f).Deliver(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	all := f.Messages()
	if len(all) != 1 {
		t.Fatal("want one message, got", len(all))
	}
	return all[0]
}
