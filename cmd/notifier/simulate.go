package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/recording"
	"github.com/syllable-notifier/notifier/internal/simulator"
)

// simulation is what the flags of simulate say.
type simulation struct {
	addr    string
	from    string
	options simulator.Options
	batch   string
	calls   int
	rate    int
	faults  []string
}

// ofThePlatform are the flags that mean nothing to a recording.
var ofThePlatform = []string{
	"speed", "calls", "rate", "batch", "deleted", "order", "validators", "quiet-batch", "quiet-retry", "revised",
}

func newSimulate() *cobra.Command {
	var s simulation
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the simulated platform alone, as an HTTP server",
		Long: `Run the simulated platform as an HTTP server that answers like the platform's
outbound API, until it is stopped. It has one campaign and one batch; more
batches and calls can be created through the API. Any API key is accepted.

With --from it serves a recording instead: each request gets the answers that
were recorded for it, in their order, and the last one for ever.

` + simulator.FaultHelp() + `

While it runs, without a key:
  GET, PUT, DELETE /admin/faults   show, replace or end the faults:
                                   {"faults": ["500:10%", "empty@results"]}
  POST /admin/next                 spoil the next answers of a path:
                                   {"path": "results", "fault": "html", "count": 2}
  GET /admin/truth?batch=ID        what really happened to each call`,
		Example: `  notifier simulate --speed 20 &
  NOTIFIER_SYLLABLE_URL=http://127.0.0.1:8090 NOTIFIER_SYLLABLE_API_KEY=any \
    NOTIFIER_POLL_INTERVAL=1s NOTIFIER_BASELINE=emit notifier run

  notifier simulate --fault 500:10% --fault truncate:5%@results
  notifier simulate --from recording.jsonl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	f, u := cmd.Flags(), &s.options.Unknown
	f.StringVar(&s.addr, "addr", "127.0.0.1:8090", "where to listen; port 0 takes a free one")
	f.Float64Var(&s.options.Speed, "speed", 1, "simulated seconds per real second")
	f.Uint64Var(&s.options.Seed, "seed", 1, "decides everything that is random")
	f.IntVar(&s.calls, "calls", 100, "calls in the batch")
	f.IntVar(&s.rate, "rate", 600, "calls an hour, 1 to 3600")
	f.StringVar(&s.batch, "batch", "", "id of the batch (default the date and .1, such as 20260822.1)")
	f.StringArrayVar(&s.faults, "fault", nil, "spoil answers, such as 500:10%; may be repeated (see above)")
	f.StringVar(&s.from, "from", "", "serve this recording instead, a file of JSON lines")
	choice := func(value *string, name, what string, choices []string) {
		f.StringVar(value, name, choices[0], what+": "+strings.Join(choices, ", "))
	}
	choice(&u.Deleted, "deleted", "what is left of a deleted batch", simulator.DeletedChoices())
	choice(&u.Order, "order", "order of the results", simulator.OrderChoices())
	choice(&u.Validators, "validators", "validators of the results", simulator.ValidatorsChoices())
	f.BoolVar(&u.QuietBatch, "quiet-batch", false, "last_updated_at stays when a call changes")
	f.BoolVar(&u.QuietRetry, "quiet-retry", false, "request_status stays INITIATED between attempts")
	f.Float64Var(&u.InsightRevised, "revised", 0, "share, 0 to 1, of completed insights that change once more")
	return cmd
}

func (s *simulation) run(cmd *cobra.Command) error {
	faults, err := simulator.NewFaults(s.options.Seed, s.faults...)
	if err != nil {
		return &usageError{fmt.Errorf("--%w; see: %s --help", err, cmd.CommandPath())}
	}
	serve := s.platform
	if s.from != "" {
		serve = s.player
	}
	handler, about, err := serve(cmd, faults)
	if err != nil {
		return &usageError{err}
	}
	if _, _, err := net.SplitHostPort(s.addr); err != nil {
		return &usageError{fmt.Errorf("--addr: want host:port: %w", err)}
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", s.addr, err)
	}
	log := newLogger(cmd.ErrOrStderr(), config.LogAuto, slog.LevelInfo)
	log.With(about...).Info("simulated platform", "url", "http://"+l.Addr().String())
	return ops.Serve(cmd.Context(), l, handler, log)
}

// platform makes the simulated platform; about is for the log.
func (s *simulation) platform(_ *cobra.Command, faults *simulator.Faults) (h http.Handler, about []any, err error) {
	if !(s.options.Speed > 0) || math.IsInf(s.options.Speed, 1) { // NaN is not more than 0
		return nil, nil, fmt.Errorf("--speed %v: want a number, and more than 0", s.options.Speed)
	}
	if s.rate == 0 {
		return nil, nil, errors.New("--rate 0: want 1 to 3600 calls an hour")
	}
	if err := s.options.Unknown.Check(); err != nil {
		return nil, nil, fmt.Errorf("--%w", err)
	}
	sim := simulator.New(s.options)
	campaign := sim.AddCampaign(simulator.Campaign{Name: "Appointment reminders", RetryCount: 2})
	if s.batch == "" {
		s.batch = time.Now().Format("20060102") + ".1"
	}
	err = sim.CreateBatch(simulator.NewBatch{ID: s.batch, CampaignID: campaign, Calls: s.calls, CallRate: s.rate})
	if err != nil {
		return nil, nil, err
	}
	return sim.Faulty(faults), []any{"batch", s.batch, "calls", s.calls, "speed", s.options.Speed}, nil
}

// player serves a recording.
func (s *simulation) player(cmd *cobra.Command, faults *simulator.Faults) (h http.Handler, about []any, err error) {
	for _, name := range ofThePlatform {
		if cmd.Flags().Changed(name) {
			return nil, nil, fmt.Errorf("--%s has no meaning with --from: a recording is served as it is", name)
		}
	}
	file, err := os.Open(s.from)
	if err != nil {
		return nil, nil, fmt.Errorf("--from: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	exchanges, err := recording.Read(file)
	if err != nil {
		return nil, nil, fmt.Errorf("--from %s: %w", s.from, err)
	}
	return faults.WithAdmin(recording.NewPlayer(exchanges)), []any{"recording", s.from, "answers", len(exchanges)}, nil
}
