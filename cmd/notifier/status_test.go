package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/syllable-notifier/notifier/internal/ops"
)

var noon = time.Date(2026, 8, 22, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) *time.Time {
	at := noon.Add(-d)
	return &at
}

func statusSample() ops.Status {
	one, three, held, size, two := int64(1), uint64(3), uint64(982), uint64(1_200_000), 2
	return ops.Status{
		Version: "v1", Started: *before(72 * time.Hour), Store: "s7k2m4p9x1qa", Ready: true,
		Source: ops.Source{State: ops.SourceOK, Requests: 186, Bytes: 1_700_000},
		Outbox: ops.Outbox{Waiting: 1},
		Stream: ops.Stream{Name: "SYLLABLE", Messages: &held, Bytes: &size},
		Sinks:  []ops.Sink{{Name: "slack", Waiting: &three}, {Name: "other", Trouble: "no answer"}},
		Audit:  ops.Audit{Problems: 2, Batches: 1},
		Batches: []ops.Batch{
			{
				ID: "20260822.9", CampaignID: &one, Campaign: "Appointment reminders", State: "active", Status: "ACTIVE",
				Calls:   map[string]int{"PENDING": 170, "COMPLETED": 74, "FAILED": 36, "CONNECTED": 20},
				Waiting: 170, Moving: 20, Ended: 110, Events: 982, LastPoll: before(12 * time.Second),
				NextPoll: before(-3 * time.Second), Requests: 185, Bytes: 1_699_000, Verified: before(3 * time.Minute),
			},
			{
				ID: "20260821.1", State: "quiet", Status: "PAUSED", NextPoll: before(time.Second), Lag: 3700,
				Failures: 1, LastError: "the platform answered 500", Verified: before(time.Hour), Problems: &two,
			},
		},
	}
}

func rendered(s ops.Status, width int) string {
	var b bytes.Buffer
	renderStatus(&b, s, noon, width, false)
	return b.String()
}

func TestRenderStatus(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("testdata/status/table.txt")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), rendered(statusSample(), 0)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRenderStatusOfOneBatch(t *testing.T) {
	t.Parallel()
	s := statusSample()
	s.Batches = s.Batches[:1]
	const calls = "\n\n20260822.9: 170 PENDING, 74 COMPLETED, 36 FAILED, 20 CONNECTED\n"
	if got := rendered(s, 0); !strings.HasSuffix(got, calls) {
		t.Errorf("without its calls by status:\n%s", got)
	}
	s.Batches = nil
	if got := rendered(s, 0); !strings.HasSuffix(got, "\nbatches   none\n") {
		t.Errorf("without batches:\n%s", got)
	}
}

func TestRenderStatusInTrouble(t *testing.T) {
	t.Parallel()
	s := statusSample()
	s.Ready, s.Reasons = false, []ops.Reason{{Check: "nats", Reason: "not connected"}}
	s.Source = ops.Source{State: ops.SourceUnreachable, Since: before(5 * time.Minute), FailedPolls: 7, Cause: "no answer"}
	s.Stream = ops.Stream{Name: "SYLLABLE", Trouble: "away"}
	s.Started = *before(-time.Minute) // by the daemon's clock, which is not ours
	got := rendered(s, 0)
	for _, want := range []string{
		"running for 0s: not ready\n  nats: not connected\n",
		"platform  unreachable (7 polls have failed for 5m: no answer), 0 requests, 0 B\n",
		"stream    SYLLABLE: away\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

// A narrow terminal gets fewer columns instead of lines that break.
func TestRenderStatusNarrow(t *testing.T) {
	t.Parallel()
	got := rendered(statusSample(), 100)
	if n := text.LongestLineLen(got); n > 100 {
		t.Errorf("%d columns:\n%s", n, got)
	}
	if strings.Contains(got, "REQUESTS") || !strings.Contains(got, "LATE") {
		t.Errorf("wrong columns:\n%s", got)
	}
	if wide := rendered(statusSample(), 160); !strings.Contains(wide, "REQUESTS") {
		t.Errorf("columns are missing where there is space:\n%s", wide)
	}
}

// evil would clear the screen, set the title, or turn the line around: as C0, as
// C1 in UTF-8, as a byte alone, and with a direction mark.
const evil = "x\x1b[2J\u009b2J\x9b\x7f\r\n\t\u202e\U000E0001y"

func evilStatus() ops.Status {
	s := statusSample()
	one := int64(1)
	s.Version, s.Store, s.Ready, s.Reasons = evil, evil, false, []ops.Reason{{Check: evil, Reason: evil}}
	s.Source.State, s.Source.Since, s.Source.Cause = evil, before(0), evil
	s.Stream.Name, s.Stream.Trouble = evil, evil
	s.Sinks[0].Name, s.Sinks[0].Trouble = evil, evil
	s.Audit.Trouble = evil
	s.Batches = []ops.Batch{{
		ID: evil, CampaignID: &one, Campaign: evil, State: evil, Status: evil,
		Calls: map[string]int{evil: 1}, Failures: 1, LastError: evil,
	}}
	return s
}

func TestStatusControlsNoTerminal(t *testing.T) {
	t.Parallel()
	answer, err := json.Marshal(evilStatus())
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := printAnswer(&printed, append(answer, '\n')); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]string{"table": rendered(evilStatus(), 0), "JSON": printed.String()} {
		for i, r := range out {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %q at %d of %q", name, r, i, out)
			}
		}
		if strings.Contains(out, "\n\ty") || strings.Contains(out, "\n?y") {
			t.Errorf("%s: a line was broken: %q", name, out)
		}
	}
	var before, after any
	if err := json.Unmarshal(answer, &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(printed.Bytes(), &after); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("the JSON says something else (-answer +printed):\n%s", d)
	}
}
