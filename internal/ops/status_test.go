package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/ops"
)

// sample is a status of a daemon with some batches.
func sample(batches int) ops.Status {
	at := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	one := int64(1)
	s := ops.Status{
		Version: "v1", Started: at, Store: "s7k2",
		Source: ops.Source{State: ops.SourceUnreachable, Since: &at, FailedPolls: 4, Cause: "x", Requests: 7, Bytes: 8},
		Outbox: ops.Outbox{Waiting: 3, Parked: 1},
		Stream: ops.Stream{Name: "CALLS", Messages: count(12), Bytes: count(3456)},
		Sinks:  []ops.Sink{{Name: "slack", Waiting: count(5), Trouble: "away"}},
	}
	for i := range batches {
		polled := at.Add(time.Duration(i) * time.Second)
		s.Batches = append(s.Batches, ops.Batch{
			ID: fmt.Sprintf("b.%04d", i), CampaignID: &one, State: "active", Status: "ACTIVE",
			Calls: map[string]int{"PENDING": 2, "NEW \"STATUS\"\n\xff": 1}, Events: 9, LastPoll: &polled, NextPoll: &polled,
			Waiting: 2, Moving: 1, Found: &polled,
			Lag: 1.5 + float64(i), Failures: 2, LastError: "y", Requests: 5, Bytes: 6,
		})
	}
	return s
}

func count(n uint64) *uint64 { return &n }

func options(batches int) ops.Options {
	return ops.Options{Status: func(context.Context) ops.Status { return sample(batches) }}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	o := options(2)
	o.Checks = []ops.Check{{Name: "nats", Ready: func() error { return errors.New("away") }}}
	base := serve(t, o)
	a := request(t, "GET", base+"/api/v1/status")
	var got ops.Status
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", a.Code, a.Body, err)
	}
	if got.Ready || len(got.Reasons) != 1 || len(got.Batches) != 2 || got.Store != "s7k2" {
		t.Errorf("status %+v", got)
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", a.Header)
	}
	a = request(t, "GET", base+"/api/v1/status?batch=b.0001")
	err := json.Unmarshal([]byte(a.Body), &got)
	if err != nil || len(got.Batches) != 1 || got.Batches[0].ID != "b.0001" {
		t.Errorf("of one batch: %s", a.Body)
	}
	empty := serve(t, ops.Options{Status: func(context.Context) ops.Status { return ops.Status{} }})
	if a := request(t, "GET", empty+"/api/v1/status"); !strings.Contains(a.Body, `"sinks":[],"batches":[]`) {
		t.Errorf("without batches: %s", a.Body)
	}
}

// The shape of the answer is what others build on.
func TestStatusJSON(t *testing.T) {
	t.Parallel()
	a := request(t, "GET", serve(t, options(1))+"/api/v1/status")
	const want = `{"version":"v1","started":"2026-08-22T10:00:00Z","store":"s7k2","ready":true,"reasons":[],` +
		`"source":{"state":"unreachable","since":"2026-08-22T10:00:00Z","failed_polls":4,"cause":"x",` +
		`"requests":7,"bytes":8},"outbox":{"waiting":3,"parked":1,"limit":0},` +
		`"stream":{"name":"CALLS","messages":12,"bytes":3456,"trouble":""},` +
		`"sinks":[{"name":"slack","waiting":5,"trouble":"away"}],"batches":[{"batch_id":"b.0000","campaign_id":1,` +
		`"campaign":"","status":"ACTIVE","state":"active","found":"2026-08-22T10:00:00Z",` +
		`"calls":{"NEW \"STATUS\"\n\ufffd":1,"PENDING":2},"waiting":2,"moving":1,"ended":0,"events":9,` +
		`"last_poll":"2026-08-22T10:00:00Z","next_poll":"2026-08-22T10:00:00Z","whole_list":null,` +
		`"interval_seconds":0,"lag_seconds":1.5,"failures":2,"last_error":"y","requests":5,"bytes":6}]}` + "\n"
	if d := cmp.Diff(want, a.Body); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What tells more than readiness is for those who may see it.
func TestStatusIsGuarded(t *testing.T) {
	t.Parallel()
	open, guarded := options(1), options(1)
	guarded.Token = "right"
	for _, path := range []string{"/api/v1/status", "/metrics"} {
		base := serve(t, guarded)
		if a := request(t, "GET", base+path); a.Code != http.StatusUnauthorized || strings.Contains(a.Body, "b.0000") {
			t.Errorf("%s without the token: %d", path, a.Code)
		}
		a := request(t, "GET", base+path, func(r *http.Request) { r.Header.Set("Authorization", "Bearer right") })
		if a.Code != http.StatusOK {
			t.Errorf("%s with the token: %d", path, a.Code)
		}
		base = serve(t, open)
		a = request(t, "GET", base+path, func(r *http.Request) { r.Host = "evil.example.com" })
		if a.Code != http.StatusMisdirectedRequest || strings.Contains(a.Body, "b.0000") {
			t.Errorf("%s under another name: %d", path, a.Code)
		}
		a = request(t, "POST", base+path)
		if a.Code != http.StatusMethodNotAllowed || a.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d, Allow: %q", path, a.Code, a.Header.Get("Allow"))
		}
		a = request(t, "HEAD", base+path)
		if a.Code != http.StatusOK || a.Body != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("HEAD %s: %d %q, %v", path, a.Code, a.Body, a.Header)
		}
		if a := request(t, "GET", base+path+"/"); a.Code != http.StatusNotFound {
			t.Errorf("GET %s/: %d", path, a.Code)
		}
		base = serve(t, ops.Options{})
		if a := request(t, "GET", base+path); a.Code != http.StatusNotFound {
			t.Errorf("%s without a status to show: %d", path, a.Code)
		}
	}
}
