package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/ops"
)

// lagTimeout bounds the question how much waits for a sink.
const lagTimeout = 2 * time.Second

// status says how the daemon is doing.
func (a *App) status(ctx context.Context) ops.Status {
	p := a.poller.Status()
	s := ops.Status{
		Version: a.version, Started: a.started, Store: a.store.ID(),
		Source: sourceStatus(p), Outbox: ops.Outbox{Parked: a.store.ParkedCount()},
	}
	if n, err := a.Waiting(); err == nil { // it is damaged otherwise, and the daemon ends
		s.Outbox.Waiting = n
	}
	ctx, cancel := context.WithTimeout(ctx, lagTimeout)
	defer cancel()
	for _, d := range a.deliveries {
		sink := ops.Sink{Name: d.Name(), Trouble: d.Trouble()}
		n, err := d.Lag(ctx)
		if sink.Waiting = n; err != nil && sink.Trouble == "" {
			sink.Trouble = err.Error()
		}
		s.Sinks = append(s.Sinks, sink)
	}
	for id, b := range p.Batches {
		s.Batches = append(s.Batches, batchStatus(id, b, time.Now()))
	}
	slices.SortFunc(s.Batches, func(a, b ops.Batch) int { return cmp.Compare(a.ID, b.ID) })
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
		Calls: map[string]int{}, Events: b.Held.Events,
		LastPoll: moment(b.LastPoll), NextPoll: moment(b.NextPoll), WholeList: moment(b.WholeList),
		Interval: b.Interval.Seconds(), Failures: b.Failures, LastError: b.LastError,
		Requests: b.Spent.Requests, Bytes: b.Spent.Bytes,
	}
	for status, channels := range b.Held.Calls {
		for _, n := range channels {
			s.Calls[status] += n
		}
	}
	if b.State == fetch.StateGone {
		s.Failures, s.LastError = 0, "" // it is no failure that it is not there
	} else if !b.LastPoll.IsZero() && !b.NextPoll.IsZero() {
		s.Lag = max(now.Sub(b.LastPoll)-b.Interval, 0).Seconds()
	}
	return s
}

// moment returns a time as it is shown, nil for none.
func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC().Truncate(time.Millisecond)
	return &at
}
