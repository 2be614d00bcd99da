package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/ops"
)

func newStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the running daemon is doing: batches, polls, lag, sinks",
		Long: `Ask the running daemon, at NOTIFIER_HTTP_ADDR, how it is doing: whether it is
ready and the platform can be reached, what waits for the stream and for each
sink, and of each batch its state, calls, polls, lag, cost and last error.

The exit code is 1 if no daemon answers, if it is not ready, or if the batch is
not watched.`,
		Example: `  notifier status
  notifier status --batch 20260822.9
  notifier status --json | jq '.batches[] | select(.failures > 0)'`,
		Args: noArgs,
	}
	asJSON := addJSON(cmd)
	batch := cmd.Flags().String("batch", "", "show this batch alone")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.LoadKeyless()
		if err != nil {
			return err
		}
		if cfg.HTTPAddr == config.Off {
			return errors.New("NOTIFIER_HTTP_ADDR is off: the daemon cannot be asked")
		}
		client, err := ops.NewClient(cfg.HTTPAddr, cfg.HTTPToken.Reveal())
		if err != nil {
			return err
		}
		s, err := client.Status(cmd.Context(), *batch)
		if err != nil {
			return err
		}
		if *asJSON {
			err = printJSON(cmd.OutOrStdout(), s)
		} else {
			renderStatus(cmd.OutOrStdout(), s, *batch == "", time.Now())
		}
		if err == nil && *batch != "" && len(s.Batches) == 0 {
			return fmt.Errorf("batch %s is not watched", *batch)
		}
		if err == nil && !s.Ready {
			return errTold
		}
		return err
	}
	return cmd
}

// renderStatus writes a status for people, of all batches or of one.
func renderStatus(w io.Writer, s ops.Status, all bool, now time.Time) {
	colour := hasColour(w)
	fmt.Fprintf(w, "notifier %s, store %s, running for %s: %s\n",
		plain(s.Version), plain(s.Store), span(now.Sub(s.Started)), word(s.Ready, "ready", "not ready"))
	for _, r := range s.Reasons {
		fmt.Fprintf(w, "  %s: %s\n", plain(r.Check), plain(r.Reason))
	}
	fmt.Fprintf(w, "platform  %s", s.Source.State)
	if s.Source.Since != nil {
		fmt.Fprintf(w, " (%d polls have failed for %s: %s)",
			s.Source.FailedPolls, span(now.Sub(*s.Source.Since)), plain(s.Source.Cause))
	}
	fmt.Fprintf(w, ", %d requests, %s\n", s.Source.Requests, humanize.Bytes(s.Source.Bytes))
	fmt.Fprintf(w, "outbox    %d events wait for the stream, %d are parked\n", s.Outbox.Waiting, s.Outbox.Parked)
	for _, k := range s.Sinks {
		fmt.Fprintf(w, "%-9s %d events wait", plain(k.Name), k.Waiting)
		if k.Trouble != "" {
			fmt.Fprintf(w, ": %s", plain(k.Trouble))
		}
		fmt.Fprintln(w)
	}
	if len(s.Batches) == 0 {
		if all {
			fmt.Fprintln(w, "batches   none is watched")
		}
		return
	}
	fmt.Fprintln(w)
	renderBatches(w, s.Batches, now, colour)
}

func renderBatches(w io.Writer, batches []ops.Batch, now time.Time, colour bool) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	if colour {
		t.Style().Color.Header = text.Colors{text.Bold}
	}
	t.AppendHeader(table.Row{
		"batch", "campaign", "state", "calls", "events", "last poll", "next", "late", "requests", "bytes",
	})
	for _, b := range batches {
		t.AppendRow(table.Row{
			shorten(plain(b.ID)), campaignOf(b), stateOf(b), callsOf(b), b.Events, ago(b.LastPoll, now), in(b.NextPoll, now),
			late(b.Lag), b.Requests, humanize.Bytes(b.Bytes),
		})
	}
	t.Render()
	for _, b := range batches {
		if b.LastError != "" {
			fmt.Fprintf(w, "%s: %d polls have failed in a row: %s\n", plain(b.ID), b.Failures, plain(b.LastError))
		}
	}
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

func stateOf(b ops.Batch) string {
	if b.Status == "" {
		return b.State
	}
	return b.State + " (" + strings.ToLower(plain(b.Status)) + ")"
}

// callsOf writes the number of calls and the most frequent statuses.
func callsOf(b ops.Batch) string {
	type count struct {
		status string
		n      int
	}
	var all []count
	total := 0
	for status, n := range b.Calls {
		all = append(all, count{strings.ToLower(plain(status)), n})
		total += n
	}
	slices.SortFunc(all, func(x, y count) int {
		return cmp.Or(cmp.Compare(y.n, x.n), cmp.Compare(x.status, y.status))
	})
	const most = 3
	var parts []string
	for i, c := range all {
		if i == most {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%d %s", c.n, c.status))
	}
	if total == 0 {
		return "0"
	}
	return fmt.Sprintf("%d: %s", total, strings.Join(parts, ", "))
}

func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func ago(at *time.Time, now time.Time) string {
	if at == nil {
		return "-"
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

// span writes a time as people say it: seconds below two minutes, then less.
func span(d time.Duration) string {
	switch {
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
	const most = 32
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// plain takes out what could move the cursor or colour the screen: ids and names
// are the customer's own.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
