package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// lagTimeout bounds the questions to the stream: how much it holds, and how
// much of it waits for each sink.
const lagTimeout = 2 * time.Second

// status says how the daemon is doing.
func (a *App) status(ctx context.Context) ops.Status {
	p := a.poller.Status()
	s := ops.Status{
		Version: a.version, Started: a.started, Store: a.store.ID(),
		Source: sourceStatus(p), Outbox: ops.Outbox{Parked: a.store.ParkedCount(), Limit: a.cfg.OutboxLimit},
	}
	if n, err := a.Waiting(); err == nil { // it is damaged otherwise, and the daemon ends
		s.Outbox.Waiting = n
	}
	ctx, cancel := context.WithTimeout(ctx, lagTimeout)
	defer cancel()
	s.Stream = a.streamStatus(ctx)
	for _, d := range a.deliveries {
		sink := ops.Sink{Name: d.Name(), Trouble: d.Trouble()}
		n, err := d.Lag(ctx)
		if err == nil {
			sink.Waiting = &n
		} else if sink.Trouble == "" {
			sink.Trouble = err.Error()
		}
		s.Sinks = append(s.Sinks, sink)
	}
	now := time.Now()
	for id, b := range p.Batches {
		s.Batches = append(s.Batches, batchStatus(id, b, now))
	}
	slices.SortFunc(s.Batches, func(a, b ops.Batch) int { return cmp.Compare(a.ID, b.ID) })
	a.auditStatus(&s)
	return s
}

// stream asks for the stream, where that can be of use.
func (a *App) stream(ctx context.Context) (jetstream.Stream, error) {
	if err := a.connected(); err != nil {
		return nil, err
	}
	return a.js.Stream(ctx, a.cfg.NATSStream)
}

func (a *App) streamStatus(ctx context.Context) ops.Stream {
	s := ops.Stream{Name: a.cfg.NATSStream}
	stream, err := a.stream(ctx)
	if err != nil {
		s.Trouble = fmt.Sprintf("stream %s: %v", s.Name, err)
		return s
	}
	state := stream.CachedInfo().State
	s.Messages, s.Bytes = &state.Msgs, &state.Bytes
	return s
}

func sourceStatus(p fetch.Status) ops.Source {
	s := ops.Source{
		State: ops.SourceOK, FailedPolls: p.Outage.FailedPolls, Cause: p.Outage.Cause,
		Requests: p.Discovery.Requests, Bytes: p.Discovery.Bytes,
	}
	if p.Unreachable {
		s.State = ops.SourceUnreachable
	}
	if p.Outage.FailedPolls > 0 {
		s.Since = moment(p.Outage.Since)
	}
	for _, b := range p.Batches {
		s.Requests += b.Spent.Requests
		s.Bytes += b.Spent.Bytes
	}
	return s
}

func batchStatus(id string, b fetch.BatchStatus, now time.Time) ops.Batch {
	s := ops.Batch{
		ID: id, CampaignID: b.CampaignID, Campaign: b.Campaign, Status: b.Status, State: string(b.State),
		Found: moment(b.Found), Calls: map[string]int{}, Events: b.Held.Events,
		LastPoll: moment(b.LastPoll), NextPoll: moment(b.NextPoll), WholeList: moment(b.WholeList),
		Interval: b.Interval.Seconds(), Lag: lag(b, now).Seconds(), Failures: b.Failures, LastError: b.LastError,
		Requests: b.Spent.Requests, Bytes: b.Spent.Bytes,
	}
	for status, channels := range b.Held.Calls {
		n := 0
		for _, c := range channels {
			n += c
		}
		s.Calls[status] += n
		switch syllable.PhaseOf(&status) {
		case syllable.Waiting:
			s.Waiting += n
		case syllable.Moving:
			s.Moving += n
		case syllable.Over:
			s.Ended += n
		}
	}
	return s
}

// lag returns how late the news of a batch are.
func lag(b fetch.BatchStatus, now time.Time) time.Duration {
	due := b.LastPoll.Add(b.Interval)
	switch {
	case b.State == fetch.StateGone:
		due = b.NextPoll // it fails to be read because it is not there
	case b.LastPoll.IsZero():
		due = b.Found
	case b.NextPoll.IsZero():
		return 0 // it is asked for no more
	}
	return max(now.Sub(due), 0)
}

// moment returns a time as it is shown, nil for none.
func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC().Truncate(time.Millisecond)
	return &at
}
