package ingest

import (
	"fmt"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/store"
)

// Unreachable implements fetch.Herald. It is told once per outage, also over
// restarts.
func (in *Ingester) Unreachable(o fetch.Outage) error {
	in.herald.Lock()
	defer in.herald.Unlock()
	held, err := in.store.Source()
	if err != nil || held.Since != nil {
		return err
	}
	since := o.Since.UTC()
	held.Since, held.FailedPolls, held.Cause = &since, o.FailedPolls, o.Cause
	return in.tell(held, event.SourceUnreachable, o.At, event.Outage{
		Since: since, FailedPolls: o.FailedPolls, Cause: o.Cause,
	})
}

// Outage returns the outage that was told and has not ended, the zero Outage if
// there is none.
func (in *Ingester) Outage() (fetch.Outage, error) {
	held, err := in.store.Source()
	if err != nil || held.Since == nil {
		return fetch.Outage{}, err
	}
	return fetch.Outage{Since: *held.Since, At: *held.Since, FailedPolls: held.FailedPolls, Cause: held.Cause}, nil
}

// Recovered implements fetch.Herald. It tells nothing unless the outage was
// told.
func (in *Ingester) Recovered(o fetch.Outage) error {
	in.herald.Lock()
	defer in.herald.Unlock()
	held, err := in.store.Source()
	if err != nil || held.Since == nil {
		return err
	}
	until := o.At.UTC()
	data := event.Outage{Since: *held.Since, Until: &until, FailedPolls: held.FailedPolls, Cause: held.Cause}
	if o.FailedPolls > 0 { // of this process; an outage may have outlived the one that told it
		data.FailedPolls, data.Cause = max(o.FailedPolls, held.FailedPolls), o.Cause
	}
	return in.tell(store.Source{Revision: held.Revision}, event.SourceRecovered, o.At, data)
}

func (in *Ingester) tell(now store.Source, name string, at time.Time, data event.Outage) error {
	now.Revision++
	data.Revision = now.Revision
	encoded, err := data.Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return in.store.PutSource(now, event.Event{
		ID:   event.ID{Store: in.store.ID(), Scope: event.ScopeSource, Revision: data.Revision},
		Name: name, Source: event.Source(in.o.APIBase, ""), Time: at.UTC(), Data: encoded,
	})
}
