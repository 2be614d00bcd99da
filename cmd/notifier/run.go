package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/config"
)

func newRun() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: poll, compare, keep, publish",
		Long: `Run the daemon until SIGINT or SIGTERM. It then finishes what is under way, for
at most 10 seconds, and exits with 0; a second signal exits at once.

All settings come from the environment; notifier config lists them. The one that
has no default is NOTIFIER_SYLLABLE_API_KEY.`,
		Example: `  NOTIFIER_SYLLABLE_API_KEY_FILE=/run/secrets/key notifier run`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load()
			if err != nil {
				return err
			}
			log := newLogger(cmd.ErrOrStderr(), cfg.LogFormat, cfg.LogLevel)
			built := versionOf()
			if built.Tags != "" {
				log.Warn("this build is for tests only and may lose events", "tags", built.Tags)
			}
			a, err := app.New(cmd.Context(), cfg, built.Version, log)
			if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
				return nil //nolint:nilerr // asked to stop before it ran: that is no failure
			}
			if err != nil {
				return err
			}
			return a.Run(cmd.Context())
		},
	}
}
