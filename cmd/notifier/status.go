package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"
)

func newStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the running daemon is doing: batches, polls, lag, sinks",
		Long: `Ask the running daemon, at NOTIFIER_HTTP_ADDR, how it is doing: whether it is
ready and the platform can be reached, what waits for the stream and for each
sink, and of each batch its state, calls, polls, lag, cost and last error.

The exit code is 1 if no daemon answers, or if it is not ready.`,
		Example: `  notifier status
  notifier status --batch 20260822.9
  notifier status --json | jq '.batches[] | select(.failures > 0)'`,
		Args: noArgs,
	}
	asJSON := addJSON(cmd)
	batch := cmd.Flags().String("batch", "", "show this batch alone")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := daemonClient()
		if err != nil {
			return err
		}
		s, answer, err := client.Status(cmd.Context(), *batch)
		if err != nil {
			return err
		}
		stdout := cmd.OutOrStdout()
		if *asJSON {
			err = printAnswer(stdout, answer)
		} else {
			renderStatus(stdout, s, time.Now(), statusWidth(stdout), hasColour(stdout))
		}
		switch {
		case err != nil:
			return err
		case *batch != "" && len(s.Batches) == 0:
			return fmt.Errorf("batch %q is not watched; notifier status lists those that are", *batch)
		case !s.Ready:
			return errTold
		}
		return nil
	}
	return cmd
}

// statusWidth returns how many columns the table may have, 0 for any: what is no
// terminal does not wrap.
func statusWidth(w io.Writer) int {
	if !isTerminal(w) {
		return 0
	}
	return terminalWidth(w)
}

// printAnswer writes JSON of the daemon, indented. What a terminal would obey
// (JSON lets some of it stand in strings) is written as an escape, which says
// the same.
func printAnswer(w io.Writer, answer []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(answer), "", "  "); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	var out strings.Builder
	for _, r := range b.String() {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			out.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	_, err := fmt.Fprintln(w, out.String())
	return err
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
