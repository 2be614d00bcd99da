package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/store"
)

// savedBackup is what the command prints. Newest is null where there is no poll
// and no event in it.
type savedBackup struct {
	File   string     `json:"file"`
	Bytes  int64      `json:"bytes"`
	Store  string     `json:"store"`
	Newest *time.Time `json:"newest"`
}

func newBackup() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the state to a file, while the daemon runs",
		Long: `Copy the state, as of the newest commit, to FILE, through the running daemon at
NOTIFIER_HTTP_ADDR, which goes on meanwhile. Where no daemon runs, the command
copies the state in NOTIFIER_DATA_DIR itself. The copy is checked wholly before
it has its name, and only you may read it: it has phone numbers.

The daemon asks for a token: NOTIFIER_HTTP_TOKEN where that is set, else the one
that it keeps in its data folder, which its own user may read.

Do not copy notifier.db with cp while the daemon runs: what that gives may be
half of a commit. The state is what must be backed up; the stream has its own
tools (nats stream backup). notifier restore puts a copy back.`,
		Example: `  notifier backup /var/backups/notifier-$(date +%F).db`,
		Args:    oneArg("FILE"),
	}
	asJSON := addJSON(cmd)
	force := cmd.Flags().Bool("force", false, "replace FILE if it exists")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := config.LoadKeyless()
		if err != nil {
			return err
		}
		file, state := args[0], app.StatePath(cfg.DataDir)
		if samePath(file, state) {
			return fmt.Errorf("%s is the state itself: name another file", file)
		}
		summary, err := store.SaveCopy(file, *force, func(w io.Writer) error {
			return copyState(cmd.Context(), cfg, w)
		})
		switch {
		case errors.Is(err, os.ErrExist):
			return fmt.Errorf("%s exists: name another file, or replace it with --force", file)
		case err != nil:
			return fmt.Errorf("backup to %s: %w", file, err)
		}
		saved := savedBackup{File: file, Bytes: summary.Bytes, Store: summary.Store, Newest: known(summary.Newest)}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), saved)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes of store %s, with %s\n",
			file, saved.Bytes, saved.Store, asOf(saved.Newest))
		return nil
	}
	return cmd
}

// copyState writes a copy of the state that the running daemon has, or, where none
// answers, of one that no process has open.
func copyState(ctx context.Context, cfg config.Config, w io.Writer) error {
	noDaemon := errors.New("NOTIFIER_HTTP_ADDR is off, so that the daemon cannot be asked")
	if cfg.HTTPAddr != config.Off {
		var err error
		if noDaemon, err = askForCopy(ctx, cfg, w); noDaemon == nil {
			return err
		}
	}
	s, err := store.OpenExisting(app.StatePath(cfg.DataDir))
	switch {
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("%w, but %w", store.ErrLocked, noDaemon)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w, and there is no state in NOTIFIER_DATA_DIR", noDaemon)
	case err != nil:
		return err
	}
	defer func() { _ = s.Close() }()
	c, err := s.Copy()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	_, err = io.Copy(w, c)
	return err
}

// askForCopy has the daemon write a copy. The first error says that there is no
// daemon to ask.
func askForCopy(ctx context.Context, cfg config.Config, w io.Writer) (noDaemon, err error) {
	token := cfg.HTTPToken.Reveal()
	if token == "" {
		if token, err = ops.ReadToken(app.TokenPath(cfg.DataDir)); err != nil {
			return nil, err
		}
	}
	if token == "" {
		return errors.New("no daemon that answers on HTTP has left its token in NOTIFIER_DATA_DIR, " +
			"and NOTIFIER_HTTP_TOKEN is not set"), nil
	}
	client, err := ops.NewClient(cfg.HTTPAddr, token)
	if err != nil {
		return nil, err
	}
	if err = client.Backup(ctx, w); errors.Is(err, ops.ErrNoDaemon) && ctx.Err() == nil {
		return err, nil
	}
	return nil, err
}

// samePath says whether both names are of one file, which may not exist.
func samePath(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}

// oneArg takes one argument.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return &usageError{fmt.Errorf("%s takes one argument, %s, got %d", cmd.CommandPath(), name, len(args))}
		}
		return nil
	}
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// asOf says how new a copy is.
func asOf(newest *time.Time) string {
	if newest == nil {
		return "no poll or event"
	}
	return "a newest poll or event of " + newest.UTC().Format(time.RFC3339)
}
