package ops

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// pathMetrics answers with metrics in the text format of Prometheus.
const pathMetrics = "/metrics"

// scrapeTimeout bounds the look at what the metrics are made of.
const scrapeTimeout = 5 * time.Second

// metricsHandler serves all metrics, made of a Status at each scrape.
func metricsHandler(status func(context.Context) Status) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{status: status},
	)
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{
		// One series that does not fit must not take all the others with it;
		// the registry counts it (promhttp_metric_handler_errors_total).
		ErrorHandling: promhttp.ContinueOnError,
		Registry:      r,
	})
}

// collector makes metrics of a Status. It is an unchecked one: which series
// there are depends on the batches.
type collector struct {
	status func(context.Context) Status
}

// Describe implements prometheus.Collector.
func (*collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	s := c.status(ctx)
	out := series{ch}
	out.gauge("notifier_build_info", "Always 1; the version is a label.", 1, "version", s.Version)
	out.gauge("notifier_ready", "1 if /readyz answers 200, else 0.", truth(s.Ready))
	out.gauge("notifier_source_up", "0 while the platform is unreachable, else 1.", truth(s.Source.State == SourceOK))
	out.gauge("notifier_source_failed_polls", "Polls that have failed in a row, of all batches.",
		float64(s.Source.FailedPolls))
	out.counter("notifier_source_requests_total", "Requests to the platform.", float64(s.Source.Requests))
	out.counter("notifier_source_received_bytes_total", "Bytes of the platform's answers, decoded.",
		float64(s.Source.Bytes))
	out.gauge("notifier_outbox_events", "Events that are committed and wait for the stream.",
		float64(s.Outbox.Waiting))
	out.gauge("notifier_outbox_limit_events", "Events that may wait for the stream before polling pauses.",
		float64(s.Outbox.Limit))
	out.gauge("notifier_parked_events", "Events that could not be published or delivered.", float64(s.Outbox.Parked))
	out.known("notifier_stream_messages", "Messages in the stream, of other daemons too.", s.Stream.Messages)
	out.known("notifier_stream_bytes", "Size of the stream.", s.Stream.Bytes)
	for _, k := range s.Sinks {
		out.gauge("notifier_sink_up", "0 while nothing can be delivered to a sink, else 1.",
			truth(k.Trouble == ""), "sink", k.Name)
		out.known("notifier_sink_waiting_events", "Events in the stream that wait for a sink.",
			k.Waiting, "sink", k.Name)
	}
	out.all(s.Batches)
}

// all gives the sums of all batches, and series of their own to some.
func (s series) all(batches []Batch) {
	// A state without a batch is 0, not absent: an alert on it would be silent.
	states := map[string]int{BatchDiscovered: 0, BatchActive: 0, BatchQuiet: 0, BatchSettled: 0, BatchGone: 0}
	longest := 0.0
	for _, b := range batches {
		states[b.State]++
		longest = max(longest, b.Lag)
	}
	for state, n := range states {
		s.gauge("notifier_batches", "Batches that are watched, by their state.", float64(n), "state", state)
	}
	s.gauge("notifier_poll_lag_seconds", "The longest lag of all batches.", longest)
	shown := leading(batches, maxSeries)
	s.gauge("notifier_batches_without_series", "Batches that have no series of their own, since there are too many.",
		float64(len(batches)-len(shown)))
	for _, b := range shown {
		s.batch(b)
	}
}

// statusOther stands for every request_status that is not known: what a platform
// may invent has no place in a label.
const statusOther = "other"

// knownStatuses sums up calls by the values of request_status that are known.
func knownStatuses(calls map[string]int) map[string]int {
	known := []string{
		"PENDING", "QUEUED", "INITIATED", "CONNECTED", "COMPLETED", "FAILED", "CANCELED", "INVALID", "DUPLICATE", "SKIPPED",
	}
	sums := map[string]int{}
	for status, n := range calls {
		if !slices.Contains(known, status) {
			status = statusOther
		}
		sums[status] += n
	}
	return sums
}

func (s series) batch(b Batch) {
	campaign := "_"
	if b.CampaignID != nil {
		campaign = strconv.FormatInt(*b.CampaignID, 10)
	}
	of := []string{"campaign", campaign, "batch", b.ID}
	for status, n := range knownStatuses(b.Calls) {
		s.gauge("notifier_batch_calls", "Calls of a batch, by request_status.",
			float64(n), append(of[:4:4], "request_status", status)...)
	}
	s.counter("notifier_batch_events_total", "Events that the calls of a batch have had, ever.",
		float64(b.Events), of...)
	s.gauge("notifier_batch_failed_polls", "Polls of a batch that have failed in a row.", float64(b.Failures), of...)
	s.gauge("notifier_batch_poll_lag_seconds", "How much longer than its interval the newest successful poll is ago.",
		b.Lag, of...)
	if b.LastPoll != nil {
		s.gauge("notifier_batch_last_poll_timestamp_seconds", "When the newest successful poll was sent.",
			unix(b.LastPoll), of...)
	}
	if b.NextPoll != nil {
		s.gauge("notifier_batch_next_poll_timestamp_seconds", "When the next poll is due.", unix(b.NextPoll), of...)
	}
	s.counter("notifier_batch_requests_total", "Requests for a batch.", float64(b.Requests), of...)
	s.counter("notifier_batch_received_bytes_total", "Bytes of the answers, decoded.", float64(b.Bytes), of...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unix(at *time.Time) float64 { return float64(at.UnixMilli()) / 1e3 }
