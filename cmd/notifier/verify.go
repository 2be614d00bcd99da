package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/ops"
)

func newVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [BATCH...]",
		Short: "Prove that stream and state agree on batches: nothing missing, chains unbroken",
		Long: `Have the running daemon, at NOTIFIER_HTTP_ADDR, compare what the stream holds of
batches with its state: that the events of each call have no gap and make an
unbroken chain, that the newest says what is on record, and that the manifest
counts what there is. Each problem is a sentence that says where it is. Without a
batch, all on record are verified, one after the other. Calls may go on meanwhile.

The exit code is 1 if anything does not agree, or if it cannot be verified.`,
		Example: `  notifier verify 20260822.9
  notifier verify
  notifier verify --json | jq '.[] | select(.agrees | not)'`,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, batches []string) error {
		client, err := daemonClient()
		if err != nil {
			return err
		}
		if len(batches) == 0 {
			if batches, err = client.Recorded(cmd.Context()); err != nil {
				return err
			}
		}
		done, answers, err := verifyAll(cmd, client, batches)
		stdout := cmd.OutOrStdout()
		if *asJSON {
			if printErr := printAnswer(stdout, list(answers)); printErr != nil {
				return printErr
			}
		} else if len(done) > 0 || err == nil {
			renderVerified(stdout, done, hasColour(stdout))
		}
		if err != nil {
			return err
		}
		for _, v := range done {
			if !v.Agrees {
				return errTold
			}
		}
		return nil
	}
	return cmd
}

// daemonClient returns a client of the running daemon.
func daemonClient() (*ops.Client, error) {
	cfg, err := config.LoadKeyless()
	if err != nil {
		return nil, err
	}
	if cfg.HTTPAddr == config.Off {
		return nil, errors.New("NOTIFIER_HTTP_ADDR is off: the daemon cannot be asked; " +
			"set it to an address, for the daemon and here")
	}
	return ops.NewClient(cfg.HTTPAddr, cfg.HTTPToken.Reveal())
}

// verifyAll verifies batches until one cannot be.
func verifyAll(
	cmd *cobra.Command, client *ops.Client, batches []string,
) (done []ops.Verification, answers []json.RawMessage, err error) {
	for _, batch := range batches {
		v, answer, err := client.Verify(cmd.Context(), batch, progressOn(cmd.ErrOrStderr(), batch))
		if err != nil {
			return done, answers, errors.New(plain(fmt.Sprintf("batch %q: %v", batch, err)))
		}
		done, answers = append(done, v), append(answers, answer)
	}
	return done, answers, nil
}

// patienceFor is how long a verification may take before its progress is told, and
// progressEvery the time from one line to the next.
const (
	patienceFor   = 2 * time.Second
	progressEvery = 5 * time.Second
)

// progressOn tells of a reading that takes long.
func progressOn(w io.Writer, batch string) func(read, of uint64) {
	next := time.Now().Add(patienceFor)
	return func(read, of uint64) {
		if time.Now().Before(next) || of == 0 {
			return
		}
		next = time.Now().Add(progressEvery)
		fmt.Fprintf(w, "batch %s: %d of %d messages are read (%d%%)\n", plain(batch), read, of, read*100/of)
	}
}

// list makes one JSON list of answers.
func list(answers []json.RawMessage) []byte {
	var b strings.Builder
	for i, a := range answers {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(a)
	}
	return []byte("[" + b.String() + "]")
}

func renderVerified(w io.Writer, done []ops.Verification, colour bool) {
	if len(done) == 0 {
		fmt.Fprintln(w, "no batch is on record")
		return
	}
	t := newTable(colour)
	t.AppendHeader(table.Row{
		"batch", "calls", "events", "found", "waiting", "aged", "parked", "missing", "manifest", "problems",
	})
	for _, v := range done {
		problems := any("none")
		if !v.Agrees {
			problems = v.ProblemCount
		}
		t.AppendRow(table.Row{
			plain(v.Batch), v.Calls, v.Events, v.Found, v.Waiting, v.Aged, v.Parked, v.Missing, plain(v.Manifest), problems,
		})
	}
	for line := range strings.Lines(t.Render()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
	fmt.Fprintln(w)
	for _, v := range done {
		renderProblems(w, v)
	}
	fmt.Fprintln(w, "Checked: revisions without gaps, chains unbroken, last values as in the state, "+
		"counts as in the manifest.")
}

// renderProblems lists what does not agree in a batch, and what to know about it.
func renderProblems(w io.Writer, v ops.Verification) {
	id := plain(v.Batch)
	for _, problem := range v.Problems {
		fmt.Fprintln(w, plain(problem)) // it says of which batch it is
	}
	if more := v.ProblemCount - len(v.Problems); more > 0 {
		fmt.Fprintf(w, "%s: and %d more problems\n", id, more)
	}
	if v.Early {
		fmt.Fprintf(w, "%s: %d events have left the stream before their time: it was purged, or has lost its front\n",
			id, v.Aged)
	}
	if v.Repaired > 0 {
		fmt.Fprintf(w, "%s: %s published again, and so late\n", id, number(v.Repaired, "event was", "events were"))
	}
	if v.Others > 0 {
		fmt.Fprintf(w, "%s: %s of other state files, which are not judged\n", id,
			number(v.Others, "message is", "messages are"))
	}
}
