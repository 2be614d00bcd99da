package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

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
		Sinks:  []ops.Sink{{Name: "slack", Waiting: 5, Trouble: "away"}},
	}
	for i := range batches {
		polled := at.Add(time.Duration(i) * time.Second)
		s.Batches = append(s.Batches, ops.Batch{
			ID: fmt.Sprintf("b.%04d", i), CampaignID: &one, State: "active", Status: "ACTIVE",
			Calls: map[string]int{"PENDING": 2, "NEW \"STATUS\"\n\xff": 1}, Events: 9, LastPoll: &polled, NextPoll: &polled,
			Lag: 1.5, Failures: 2, LastError: "y", Requests: 5, Bytes: 6,
		})
	}
	return s
}

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
		if a := request(t, "POST", base+path); a.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, a.Code)
		}
		if a := request(t, "HEAD", base+path); a.Code != http.StatusOK {
			t.Errorf("HEAD %s: %d", path, a.Code)
		}
	}
}

var ours = regexp.MustCompile(`(?m)^# TYPE (notifier_[a-z_]+) (gauge|counter)$`)

func TestMetrics(t *testing.T) {
	t.Parallel()
	a := request(t, "GET", serve(t, options(3))+"/metrics")
	if a.Code != http.StatusOK {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	problems, err := promlint.New(strings.NewReader(a.Body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "notifier_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for _, want := range []string{
		`notifier_source_up 0`, `notifier_outbox_events 3`, `notifier_sink_waiting_events{sink="slack"} 5`,
		`notifier_sink_up{sink="slack"} 0`, `notifier_batches{state="active"} 3`,
		`notifier_batch_poll_lag_seconds{batch="b.0001",campaign="1"} 1.5`,
		`notifier_batch_calls{batch="b.0001",campaign="1",request_status="PENDING"} 2`,
		`request_status="other"} 1`, `go_goroutines`,
	} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("no %s", want)
		}
	}
}

// The page lists the metrics that there are, each with its kind.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	row := regexp.MustCompile("(?m)^\\| `(notifier_[a-z_]+)[^`]*` \\| (gauge|counter) \\|")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		got = append(got, m[1]+" "+m[2])
	}
	a := request(t, "GET", serve(t, options(1))+"/metrics")
	for _, m := range ours.FindAllStringSubmatch(a.Body, -1) {
		want = append(want, m[1]+" "+m[2])
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
		t.Errorf("docs/operating.md (-served +documented):\n%s", d)
	}
}

// So many batches do not make endless series; those polled last have theirs.
func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	a := request(t, "GET", serve(t, options(700))+"/metrics")
	if n := strings.Count(a.Body, "notifier_batch_poll_lag_seconds{"); n != 500 {
		t.Errorf("%d batches have series, want 500", n)
	}
	if !strings.Contains(a.Body, "notifier_batches_without_series 200") ||
		!strings.Contains(a.Body, `batch="b.0699"`) || strings.Contains(a.Body, `batch="b.0000"`) {
		t.Error("want the 500 that were polled last, and how many are left out")
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	o := options(1)
	o.Token = "right"
	addr := strings.TrimPrefix(serve(t, o), "http://")
	ask := func(addr, token string) (ops.Status, error) {
		c, err := ops.NewClient(addr, token)
		if err != nil {
			return ops.Status{}, err
		}
		return c.Status(t.Context(), "")
	}
	if s, err := ask(addr, "right"); err != nil || len(s.Batches) != 1 {
		t.Errorf("status %+v, error %v", s, err)
	}
	other := strings.TrimPrefix(serve(t, ops.Options{}), "http://")
	for name, tt := range map[string]struct{ addr, token, want string }{
		"wrong token":      {addr, "canary-4711", "NOTIFIER_HTTP_TOKEN"},
		"nobody there":     {"127.0.0.1:1", "", "is it running"},
		"another program":  {other, "", "another program"},
		"no port":          {"localhost", "", "want host:port"},
		"no port, however": {"", "", "NOTIFIER_HTTP_ADDR"},
	} {
		_, err := ask(tt.addr, tt.token)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: error %v, want it to say %q", name, err, tt.want)
		}
	}
}
