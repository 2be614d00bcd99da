package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/store"
)

// restoredState is what the command prints. Aside is empty where no state was in
// the place.
type restoredState struct {
	State  string     `json:"state"`
	From   string     `json:"from"`
	Store  string     `json:"store"`
	Former []string   `json:"former"`
	Aside  string     `json:"aside"`
	Newest *time.Time `json:"newest"`
}

func newRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a copy of the state back in its place",
		Long: `Put FILE, which notifier backup made, in the place of the state in
NOTIFIER_DATA_DIR. The daemon must not run. FILE is checked wholly before; the
state that was there is kept beside it, as notifier.db.before-restore-TIME.

The state gets a new store id, which is the first part of every event id: the
copy does not know what was published after it was made, and would give ids
again that are used. What changed since then is told again, once, under new
ids; so subscribers that go by ids see it as new.

With --repair, a FILE of whose two headers one is damaged is taken too, and it
may be the state itself. Its newest commit may be missing; what that held is told
again like the rest.

The exit code is 3 while a process has the state or FILE open, and 4 if FILE is
damaged or of a newer version; nothing is changed then.`,
		Example: `  notifier restore /var/backups/notifier-2026-11-24.db`,
		Args:    oneArg("FILE"),
	}
	asJSON := addJSON(cmd)
	repair := cmd.Flags().Bool("repair", false, "take a FILE of whose two headers one is damaged")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := config.LoadKeyless()
		if err != nil {
			return err
		}
		from, state := args[0], app.StatePath(cfg.DataDir)
		r, err := store.Restore(state, from, *repair)
		if err != nil {
			return err
		}
		done := restoredState{
			State: state, From: from, Store: r.Store, Former: r.Former, Aside: r.Aside, Newest: known(r.Newest),
		}
		stderr := cmd.ErrOrStderr()
		fmt.Fprintf(stderr, "notifier: the copy has %s%s\n", asOf(done.Newest), age(done.Newest))
		fmt.Fprintf(stderr, "notifier: what changed since then is told again, under ids that begin with %s\n", r.Store)
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), done)
		}
		stdout := cmd.OutOrStdout()
		fmt.Fprintf(stdout, "%s is restored from %s\n", state, from)
		if r.Aside != "" {
			fmt.Fprintf(stdout, "what was there is %s\n", r.Aside)
		}
		return nil
	}
	return cmd
}

// age says how long ago the newest poll or event was.
func age(newest *time.Time) string {
	if newest == nil {
		return ""
	}
	return ", " + ago(newest, time.Now())
}
