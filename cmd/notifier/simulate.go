package main

import (
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

func newSimulate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the simulated platform alone, as an HTTP server",
		Long: `Run the simulated platform as an HTTP server that answers like the platform's
outbound API, until it is stopped. It has one campaign and one batch; more
batches and calls can be created through the API. Any API key is accepted.`,
		Example: `  notifier simulate --speed 20 &
  NOTIFIER_SYLLABLE_URL=http://127.0.0.1:8090 NOTIFIER_SYLLABLE_API_KEY=any \
    NOTIFIER_POLL_INTERVAL=1s NOTIFIER_BASELINE=emit notifier run`,
		Args: noArgs,
	}
	addr := cmd.Flags().String("addr", "127.0.0.1:8090", "where to listen; port 0 takes a free one")
	speed := cmd.Flags().Float64("speed", 1, "simulated seconds per real second")
	seed := cmd.Flags().Uint64("seed", 1, "decides everything that is random")
	calls := cmd.Flags().Int("calls", 100, "calls in the batch")
	rate := cmd.Flags().Int("rate", 600, "calls an hour, 1 to 3600")
	batch := cmd.Flags().String("batch", "", "id of the batch (default the date and .1, such as 20260822.1)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !(*speed > 0) {
			return &usageError{fmt.Errorf("--speed %v: want more than 0", *speed)}
		}
		sim := simulator.New(simulator.Options{Seed: *seed, Speed: *speed})
		campaign := sim.AddCampaign(simulator.Campaign{Name: "Appointment reminders", RetryCount: 2})
		if *batch == "" {
			*batch = time.Now().Format("20060102") + ".1"
		}
		err := sim.CreateBatch(simulator.NewBatch{ID: *batch, CampaignID: campaign, Calls: *calls, CallRate: *rate})
		if err != nil {
			return &usageError{err}
		}
		l, err := net.Listen("tcp", *addr)
		if err != nil {
			return fmt.Errorf("--addr %s: %w", *addr, err)
		}
		log := newLogger(cmd.ErrOrStderr(), config.LogAuto, slog.LevelInfo)
		log.Info("simulated platform", "url", "http://"+l.Addr().String(), "batch", *batch, "calls", *calls, "speed", *speed)
		return ops.Serve(cmd.Context(), l, sim.Handler(), log)
	}
	return cmd
}
