package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/demo"
)

func newDemo() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See the whole product with no account and no set-up",
		Long: `Run the whole product for about a minute, on this machine alone: a simulated
platform that places calls, the daemon with its embedded NATS server, and a
stand-in for Slack whose messages are shown here. In the end it checks the
stream against what the platform really did, and exits with 0 if they agree.

While it runs, subscribe from another terminal:  nats sub 'syllable.>'

It works in a temporary folder, or in a new folder inside NOTIFIER_DATA_DIR if
that is set; a daemon's own state is never touched. It listens where
NOTIFIER_NATS_LISTEN and NOTIFIER_HTTP_ADDR say, and takes free ports instead
of those that are taken. All other settings are left aside.`,
		Args: noArgs,
	}
	asJSON := addJSON(cmd)
	forever := cmd.Flags().Bool("forever", false, "start campaign after campaign until stopped")
	seed := cmd.Flags().Uint64("seed", 1, "decides what happens to the calls")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := config.LoadKeyless()
		if err != nil {
			return err
		}
		stderr := cmd.ErrOrStderr()
		summary, err := demo.Run(cmd.Context(), demo.Options{
			DataDir:    chosenDataDir(cfg),
			HTTPAddr:   cfg.HTTPAddr,
			NATSListen: cfg.NATSListen,
			HTTPToken:  cfg.HTTPToken,
			NATSToken:  cfg.NATSToken,
			Seed:       *seed,
			Forever:    *forever,
			Progress:   stderr,
			Terminal:   isTerminal(stderr),
			Width:      terminalWidth(stderr),
			Version:    versionOf().Version,
			Log:        newLogger(stderr, cfg.LogFormat, max(cfg.LogLevel, slog.LevelWarn)),
		})
		if err != nil {
			return err
		}
		stdout := cmd.OutOrStdout()
		if *asJSON {
			if err := printJSON(stdout, summary); err != nil {
				return err
			}
		} else {
			summary.Render(stdout, terminalWidth(stdout), hasColour(stdout))
		}
		if summary.Checked && !summary.Passed() {
			return errTold
		}
		return nil
	}
	return cmd
}

// chosenDataDir returns the data folder that somebody chose, "" for none.
func chosenDataDir(cfg config.Config) string {
	for _, s := range config.Settings() {
		if s.Name == "NOTIFIER_DATA_DIR" && s.Set {
			return cfg.DataDir
		}
	}
	return ""
}
