package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/publish"
	"github.com/syllable-notifier/notifier/internal/store"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2 // wrong usage or configuration
	exitLocked  = 3 // state in use by another process
	exitDamaged = 4 // state damaged or from a newer version
)

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	tell(stderr, err)
	return exitCode(err)
}

func tell(w io.Writer, err error) {
	var settings *config.Error
	switch {
	case err == nil, errors.Is(err, errTold):
	case errors.As(err, &settings):
		fmt.Fprintln(w, "notifier: the settings have problems; notifier config lists what each one means")
		for _, p := range settings.Problems {
			fmt.Fprintln(w, "  "+p.String())
		}
	default:
		fmt.Fprintln(w, "notifier: "+err.Error())
	}
}

// errTold says that whoever returned it has told the reason already.
var errTold = errors.New("failed")

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var usage *usageError
	var settings *config.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage), errors.As(err, &settings):
		return exitUsage
	case errors.Is(err, store.ErrLocked):
		return exitLocked
	case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrNewer), errors.Is(err, publish.ErrOlderState):
		return exitDamaged
	}
	return exitFailed
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "notifier",
		Short: "Call events of an outbound-calling platform, as a durable stream",
		Long: `notifier polls the call batches of an outbound-calling platform (Syllable), finds
what changed since the last poll, and publishes each change as an event to NATS
JetStream: durable, in order, each stored once. It posts the summaries of
completed calls to Slack.

See it all with no account and no set-up:   notifier demo
Run it with your account:                   notifier run
How the running daemon is doing:            notifier status
Prove that nothing is missing:              notifier verify
Copy its state to a file, and back:         notifier backup, notifier restore
Every setting, by environment variable:     notifier config

Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 state in use by
another process; 4 state damaged or from a newer version.`,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
		// Cobra sets this only where it finds the unknown command itself.
		SuggestionsMinimumDistance: 2,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(newRun(), newDemo(), newSimulate(), newStatus(), newVerify(), newBackup(), newRestore(), newConfig(),
		newVersion())
	root.SetHelpCommand(newHelp(root))
	// Cobra's own commands are to be as strict as ours.
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Args = noArgs
		completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		for _, shell := range completion.Commands() {
			shell.Args = noArgs
		}
	}
	return root
}

func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Explain a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noArgs(root, args)
			}
			cmd.InitDefaultHelpFlag() // as before CMD --help
			return cmd.Help()
		},
	}
}

// noArgs refuses arguments; at the root, that is a command nobody knows.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		text := fmt.Sprintf("unknown command %q", args[0])
		for _, s := range cmd.SuggestionsFor(args[0]) {
			text += fmt.Sprintf("; did you mean %q?", s)
		}
		return &usageError{fmt.Errorf("%s; see: notifier help", text)}
	}
	return &usageError{fmt.Errorf("%s takes no arguments, got %q", cmd.CommandPath(), args[0])}
}

// addJSON adds the flag that every command which prints data has.
func addJSON(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON")
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
