package ops_test

import (
	"context"
	"fmt"
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

var noon = time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)

// scrape returns the metrics of a status.
func scrape(t *testing.T, s ops.Status) string {
	t.Helper()
	o := ops.Options{Status: func(context.Context) ops.Status { return s }}
	a := request(t, "GET", serve(t, o)+"/metrics")
	if a.Code != 200 || !strings.Contains(a.Header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s %s", a.Code, a.Header.Get("Content-Type"), a.Body)
	}
	return a.Body
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	body := scrape(t, sample(3))
	problems, err := promlint.New(strings.NewReader(body)).Lint()
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
		`notifier_sink_up{sink="slack"} 0`, `notifier_batches{state="active"} 3`, `notifier_batches{state="gone"} 0`,
		`notifier_stream_messages 12`, `notifier_stream_bytes 3456`, `notifier_poll_lag_seconds 3.5`,
		`notifier_batch_poll_lag_seconds{batch="b.0001",campaign="1"} 2.5`,
		`notifier_batch_calls{batch="b.0001",campaign="1",request_status="PENDING"} 2`,
		`notifier_batch_next_poll_timestamp_seconds{batch="b.0001",campaign="1"} 1.787392801e+09`,
		`request_status="other"} 1`, `go_goroutines`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}

// What is not known is not there: 0 would say that nothing waits.
func TestMetricsThatAreNotKnown(t *testing.T) {
	t.Parallel()
	s := sample(1)
	s.Stream = ops.Stream{Name: "CALLS", Trouble: "away"}
	s.Sinks[0].Waiting = nil
	s.Batches[0].LastPoll, s.Batches[0].NextPoll, s.Batches[0].CampaignID = nil, nil, nil
	body := scrape(t, s)
	for _, name := range []string{
		"notifier_stream_messages", "notifier_stream_bytes", "notifier_sink_waiting_events",
		"notifier_batch_last_poll_timestamp_seconds", "notifier_batch_next_poll_timestamp_seconds",
	} {
		if strings.Contains(body, "\n"+name) {
			t.Errorf("%s is there", name)
		}
	}
	for _, want := range []string{`notifier_sink_up{sink="slack"} 0`, `{batch="b.0000",campaign="_"}`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
}

var ours = regexp.MustCompile(`(?m)^# TYPE (notifier_[a-z_]+) (gauge|counter)$`)

// The page lists the metrics that there are, each with its labels and kind.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	body := scrape(t, sample(1))
	var want, got []string
	row := regexp.MustCompile("(?m)^\\| `(notifier_[a-z_]+)(?:{([a-z_,]+)})?` \\| (gauge|counter) \\|")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		labels := strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' })
		slices.Sort(labels)
		got = append(got, fmt.Sprintln(m[1], labels, m[3]))
	}
	name := regexp.MustCompile(`([a-z_]+)="`)
	for _, m := range ours.FindAllStringSubmatch(body, -1) {
		labels := []string{}
		series := regexp.MustCompile(`(?m)^` + m[1] + `(?:{(.*)})? `).FindStringSubmatch(body)
		for _, l := range name.FindAllStringSubmatch(series[1], -1) {
			labels = append(labels, l[1])
		}
		slices.Sort(labels)
		want = append(want, fmt.Sprintln(m[1], labels, m[2]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
		t.Errorf("docs/operating.md (-served +documented):\n%s", d)
	}
	// The alerts name metrics that there are.
	_, alerts, _ := strings.Cut(string(page), "```promql")
	for _, m := range regexp.MustCompile(`notifier_[a-z_]+`).FindAllString(alerts, -1) {
		if !strings.Contains(body, "# TYPE "+m+" ") {
			t.Errorf("an alert is on %s, which is not served", m)
		}
	}
}

// So many batches do not make endless series; those where something moves have
// theirs, the newest first.
func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	s := sample(700)
	for i := 400; i < 600; i++ {
		s.Batches[i].State = ops.BatchSettled
	}
	s.Batches[600].State = ops.BatchQuiet
	body := scrape(t, s)
	if n := strings.Count(body, "notifier_batch_poll_lag_seconds{"); n != 500 {
		t.Errorf("%d batches have series, want 500", n)
	}
	for _, want := range []string{
		"notifier_batches_without_series 200", "notifier_poll_lag_seconds 700.5",
		`batch="b.0699"`, `batch="b.0600"`, `batch="b.0000"`, `batch="b.0399"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if n := strings.Count(body, `notifier_batch_poll_lag_seconds{batch="b.05`); n != 0 {
		t.Errorf("%d settled batches have series while others have none", n)
	}
}

// Of batches that are alike, those that were found last have series, and after a
// restart, which finds all at once, those with the greater ids: many have a date
// in them.
func TestSeriesAreOfTheNewest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set func(*ops.Batch, int)
		out []int
	}{
		"as found": {func(b *ops.Batch, i int) {
			at := noon.Add(-time.Duration(i) * time.Second)
			b.Found = &at
		}, []int{500, 501}},
		"all at once": {func(b *ops.Batch, _ int) { b.Found = &noon }, []int{0, 1}},
	} {
		s := sample(502)
		for i := range s.Batches {
			tt.set(&s.Batches[i], i)
		}
		body := scrape(t, s)
		for i := range s.Batches {
			has := strings.Contains(body, fmt.Sprintf(`notifier_batch_poll_lag_seconds{batch="b.%04d"`, i))
			if has == slices.Contains(tt.out, i) {
				t.Errorf("%s: batch %d has series: %t", name, i, has)
			}
		}
	}
}

// Which batches have series does not depend on which was polled last.
func TestSeriesStay(t *testing.T) {
	t.Parallel()
	s := sample(510)
	first := scrape(t, s)
	for i := range s.Batches {
		at := s.Batches[i].LastPoll.Add(time.Duration(600-i) * time.Minute)
		s.Batches[i].LastPoll = &at
	}
	second := scrape(t, s)
	for i := range s.Batches {
		of := fmt.Sprintf(`notifier_batch_calls{batch="b.%04d"`, i)
		if strings.Contains(first, of) != strings.Contains(second, of) {
			t.Errorf("batch %d has series in one scrape alone", i)
		}
	}
}

// Ids that differ only where a label is cut, or in what is no UTF-8, stay apart:
// were two series the same, there would be no metrics at all.
func TestLongAndOddLabels(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long-é-", 40)
	s := sample(7)
	for i, id := range []string{
		strings.Repeat("é", 100), long + "1", long + "2", long[:100] + "\xff" + long, "odd\xff", "odd\xfe", "odd\uFFFD",
	} {
		s.Batches[i].ID = id
	}
	s.Batches[0].Calls = map[string]int{long + "A": 1, long + "B": 2, "": 3, "FAILED": 4}
	body := scrape(t, s)
	of := regexp.MustCompile(`(?m)^notifier_batch_poll_lag_seconds{batch="([^"]*)",campaign="1"} `)
	seen := map[string]bool{}
	for _, m := range of.FindAllStringSubmatch(body, -1) {
		if len(m[1]) > 128 {
			t.Errorf("a label has %d bytes: %s", len(m[1]), m[1])
		}
		seen[m[1]] = true
	}
	if len(seen) != 7 {
		t.Errorf("series of %d batches, want 7", len(seen))
	}
	if strings.Contains(body, `request_status="long-`) || !strings.Contains(body, `request_status="other"} 6`) ||
		!strings.Contains(body, `request_status="FAILED"} 4`) {
		t.Error("want the statuses that are known, and the others as one")
	}
}

// What cannot be a series takes no other with it.
func TestOneBadSeriesSpoilsNoOther(t *testing.T) {
	t.Parallel()
	s := sample(2)
	s.Batches[1].ID = s.Batches[0].ID
	body := scrape(t, s)
	if !strings.Contains(body, "notifier_source_up 0") || !strings.Contains(body, "go_goroutines") {
		t.Errorf("no metrics for a batch that comes twice:\n%s", body)
	}
}
