package ingest

import (
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/diff"
	"github.com/syllable-notifier/notifier/internal/store"
)

// before returns since when what is in a whole list may have changed: the list
// before it, in this process or else the one on record, which may be a little
// older.
func (t *taking) before() *time.Time {
	t.memory.mu.Lock()
	defer t.memory.mu.Unlock()
	if t.memory.polled != nil {
		return t.memory.polled
	}
	return t.held.Polled
}

// observedOf returns the bounds of a change of a call.
func (t *taking) observedOf(reference string, f event.Field) event.Observed {
	since := t.o.Since(reference, string(f)).UTC()
	if !t.o.Partial || since.IsZero() {
		return t.observed
	}
	return observed(&since, t.o.Answered)
}

// reopen tells, before the first event after its completion, that a batch was
// not complete after all.
func (t *taking) reopen(tx *store.Tx, b *store.Batch) error {
	if !b.Completed {
		return nil
	}
	for _, s := range t.chunk {
		changed, err := t.changes(tx, s)
		if err != nil {
			return err
		}
		if changed {
			b.Completed = false
			return t.telling(tx, b).append(t.o.Batch, event.BatchReopened, event.Batch{})
		}
	}
	return nil
}

// changes says whether a call gives an event.
func (t *taking) changes(tx *store.Tx, s seen) (bool, error) {
	held, ok, err := tx.Call(s.reference)
	if err != nil || s.removed || !ok {
		return true, err
	}
	_, changes := diff.Call(&held.Record, s.values)
	return len(changes) > 0, nil
}

// apply compares one call, and stores the new record and the events.
func (t *taking) apply(tx *store.Tx, b *store.Batch, s seen) error {
	held, ok, err := tx.Call(s.reference)
	if err != nil {
		return err
	}
	now := store.Call{Sum: s.sum, Size: uint64(len(s.raw))}
	var changes []diff.Change
	switch {
	case s.removed:
		var c diff.Change
		now.Record, c = diff.Removal(held.Record)
		changes = []diff.Change{c}
	case ok:
		now.Record, changes = diff.Call(&held.Record, s.values)
	case t.silent:
		now.Record = diff.Baseline(s.values)
	default:
		now.Record, changes = diff.Call(nil, s.values)
	}
	if ok && !held.Removed {
		b.Tally = b.Tally.Add(text(held.Request), text(held.Channel), -1)
	}
	if !now.Removed {
		b.Tally = b.Tally.Add(text(now.Request), text(now.Channel), 1)
	}
	for _, c := range changes {
		e, err := t.event(b, s, c)
		if err != nil {
			return err
		}
		if err := tx.Append(e); err != nil {
			return err
		}
	}
	note(b, len(changes), t.observed.Until)
	return tx.PutCall(s.reference, now)
}

// note counts events of a batch's calls.
func note(b *store.Batch, events int, at time.Time) {
	if events == 0 {
		return
	}
	b.Events += uint64(events) //nolint:gosec // a few
	if b.First == nil {
		b.First = &at
	}
	b.Last = &at
}

func (t *taking) event(b *store.Batch, s seen, c diff.Change) (event.Event, error) {
	at := t.observedOf(s.reference, c.Field)
	data, err := event.Call{
		BatchID: t.o.Batch, CampaignID: b.CampaignID, ReferenceID: s.reference,
		Field: c.Field, From: c.From, To: c.To, Revision: c.Revision,
		Observed: at, Result: s.raw,
	}.Encode()
	if err != nil {
		return event.Event{}, err
	}
	return event.Event{
		ID: event.ID{
			Store: t.in.store.ID(), Batch: t.o.Batch, Reference: s.reference, Revision: c.Revision,
		},
		Name: c.Name, Source: event.Source(t.in.o.APIBase, t.o.Batch), CampaignID: b.CampaignID,
		Time: at.Until, Data: data,
	}, nil
}

// text returns a value of a field, "" for null.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
