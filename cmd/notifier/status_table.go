package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/syllable-notifier/notifier/internal/ops"
)

// renderStatus writes a status for people, in at most so many columns within
// reason; 0 is no bound.
func renderStatus(w io.Writer, s ops.Status, now time.Time, width int, colour bool) {
	readiness := "ready"
	if !s.Ready {
		readiness = "not ready"
	}
	fmt.Fprintf(w, "notifier %s, store %s, running for %s: %s\n",
		plain(s.Version), plain(s.Store), span(now.Sub(s.Started)), readiness)
	for _, r := range s.Reasons {
		fmt.Fprintf(w, "  %s: %s\n", plain(r.Check), plain(r.Reason))
	}
	renderSource(w, s.Source, now)
	fmt.Fprintf(w, "outbox    %s for the stream, %d parked\n",
		number(s.Outbox.Waiting, "event waits", "events wait"), s.Outbox.Parked)
	renderStream(w, s.Stream)
	for _, k := range s.Sinks {
		waiting := "it is not known how many events wait"
		if k.Waiting != nil {
			waiting = number(*k.Waiting, "event waits", "events wait")
		}
		fmt.Fprintf(w, "%-9s %s%s\n", plain(k.Name), waiting, because(k.Trouble))
	}
	renderAudit(w, s.Audit)
	if len(s.Batches) == 0 {
		fmt.Fprintln(w, "batches   none")
		return
	}
	fmt.Fprintln(w)
	renderBatches(w, s.Batches, now, width, colour)
	if len(s.Batches) == 1 {
		renderCalls(w, s.Batches[0])
	}
	for _, b := range s.Batches {
		if b.Failures > 0 {
			fmt.Fprintf(w, "%s: %s in a row%s\n", plain(b.ID),
				number(uint64(max(b.Failures, 0)), "poll has failed", "polls have failed"), because(b.LastError))
		}
		if b.Problems != nil && *b.Problems > 0 {
			fmt.Fprintf(w, "%s: stream and state do not agree, %s; notifier verify tells which\n", plain(b.ID),
				number(uint64(max(*b.Problems, 0)), "problem", "problems"))
		}
	}
}

func renderSource(w io.Writer, s ops.Source, now time.Time) {
	fmt.Fprintf(w, "platform  %s", plain(s.State))
	if s.Since != nil {
		fmt.Fprintf(w, " (%s for %s%s)", number(uint64(max(s.FailedPolls, 0)), "poll has failed", "polls have failed"),
			span(now.Sub(*s.Since)), because(s.Cause))
	}
	fmt.Fprintf(w, ", %s, %s\n", number(s.Requests, "request", "requests"), humanize.Bytes(s.Bytes))
}

func renderStream(w io.Writer, s ops.Stream) {
	fmt.Fprintf(w, "stream    %s", plain(s.Name))
	if s.Messages != nil {
		fmt.Fprintf(w, " holds %s", number(*s.Messages, "message", "messages"))
	}
	if s.Bytes != nil {
		fmt.Fprintf(w, ", %s", humanize.Bytes(*s.Bytes))
	}
	fmt.Fprintln(w, because(s.Trouble))
}

// renderAudit says what is wrong with the audit, or was found by it: batches that
// are not watched any more have no line of their own.
func renderAudit(w io.Writer, a ops.Audit) {
	if a.Problems > 0 {
		fmt.Fprintf(w, "audit     %s in %s; notifier verify tells which\n",
			number(uint64(max(a.Problems, 0)), "problem", "problems"),
			number(uint64(max(a.Batches, 0)), "batch", "batches"))
	}
	if a.Trouble != "" {
		fmt.Fprintf(w, "audit     nothing can be verified: %s\n", plain(a.Trouble))
	}
}

// costs are the columns that a narrow terminal does without.
var costs = []string{"events", "requests", "bytes", "verified"}

func renderBatches(w io.Writer, batches []ops.Batch, now time.Time, width int, colour bool) {
	t := newTable(colour)
	t.AppendHeader(table.Row{
		"batch", "campaign", "state", "calls", "waiting", "moving", "ended", "last poll", "next", "late",
		"events", "requests", "bytes", "verified",
	})
	for _, b := range batches {
		t.AppendRow(table.Row{
			plain(b.ID), campaignOf(b), stateOf(b), total(b), b.Waiting, b.Moving, b.Ended,
			ago(b.LastPoll, now), in(b.NextPoll, now), late(b.Lag), b.Events, b.Requests, humanize.Bytes(b.Bytes),
			ago(b.Verified, now),
		})
	}
	out := t.Render()
	if width > 0 && text.LongestLineLen(out) > width {
		hidden := []table.ColumnConfig{{Name: "campaign", WidthMax: 12, WidthMaxEnforcer: text.WrapSoft}}
		for _, name := range costs {
			hidden = append(hidden, table.ColumnConfig{Name: name, Hidden: true})
		}
		t.SetColumnConfigs(hidden)
		out = t.Render()
	}
	for line := range strings.Lines(out) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

// renderCalls lists the calls of a batch by request_status, the most frequent
// first.
func renderCalls(w io.Writer, b ops.Batch) {
	if len(b.Calls) == 0 {
		return
	}
	statuses := slices.SortedFunc(maps.Keys(b.Calls), func(x, y string) int {
		return cmp.Or(cmp.Compare(b.Calls[y], b.Calls[x]), cmp.Compare(x, y))
	})
	var parts []string
	for _, status := range statuses {
		parts = append(parts, fmt.Sprintf("%d %s", b.Calls[status], cmp.Or(plain(status), "(none)")))
	}
	fmt.Fprintf(w, "\n%s: %s\n", plain(b.ID), strings.Join(parts, ", "))
}

func campaignOf(b ops.Batch) string {
	switch {
	case b.CampaignID == nil:
		return "-"
	case b.Campaign == "":
		return fmt.Sprint(*b.CampaignID)
	}
	return fmt.Sprintf("%d %s", *b.CampaignID, shorten(plain(b.Campaign)))
}

// stateOf writes our state and the platform's word, once where they are the same.
func stateOf(b ops.Batch) string {
	state, status := plain(b.State), strings.ToLower(plain(b.Status))
	if status == "" || status == state {
		return state
	}
	return state + " (" + status + ")"
}

func total(b ops.Batch) (n int) {
	for _, calls := range b.Calls {
		n += calls
	}
	return n
}

// number writes a count with its noun.
func number(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + plain(reason)
}

func ago(at *time.Time, now time.Time) string {
	if at == nil {
		return "never"
	}
	return span(now.Sub(*at)) + " ago"
}

func in(at *time.Time, now time.Time) string {
	if at == nil {
		return "-"
	}
	if d := at.Sub(now); d > 0 {
		return "in " + span(d)
	}
	return "now"
}

func late(seconds float64) string {
	if seconds < 1 {
		return "-"
	}
	return span(time.Duration(seconds * float64(time.Second)))
}

// span writes a time as people say it: seconds below two minutes, then less. One
// that is negative comes of two clocks that differ.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 2*time.Minute:
		return d.Round(time.Second).String()
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

func shorten(s string) string {
	const most = 24
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
