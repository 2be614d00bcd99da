package ingest

import (
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// look takes in what the platform says of a batch itself, and returns what is
// held of it then. The details of a batch count its calls, so they are never
// the same twice; without a change of the status they are put on record now and
// then only.
func (in *Ingester) look(b syllable.Batch, held store.Batch, asked, answered time.Time) (store.Batch, error) {
	b, newest := in.memory(b.BatchID).see(b, asked, held.Status)
	if !newest {
		return held, nil
	}
	asked = asked.UTC()
	same := held.Discovered && text(held.Status) == b.Status
	if same && held.Looked != nil && asked.Sub(*held.Looked) < noteInterval {
		return held, nil
	}
	err := in.store.Update(b.BatchID, func(tx *store.Tx) (err error) {
		if held, err = tx.Batch(); err != nil {
			return err
		}
		t := telling{in: in, tx: tx, held: &held, object: b.Raw, observed: observed(held.Looked, answered)}
		held.Object, held.Looked = b.Raw, &asked
		if b.CampaignID != nil {
			held.CampaignID = b.CampaignID
		}
		if err := t.status(b); err != nil {
			return err
		}
		return tx.PutBatch(held)
	})
	return held, err
}

// telling appends events of a batch itself to the outbox.
type telling struct {
	in       *Ingester
	tx       *store.Tx
	held     *store.Batch
	object   []byte // the platform's, as seen last; nil: never
	observed event.Observed
}

// status tells that a batch was discovered, and what its status is now. What
// belongs to the baseline is recorded only.
func (t telling) status(b syllable.Batch) error {
	was := t.held.Status
	silent := t.held.Silent && !t.held.Discovered
	if b.Status != "" {
		t.held.Status = &b.Status
	}
	if !t.held.Discovered {
		t.held.Discovered = true
		if silent {
			return nil
		}
		if err := t.append(b.BatchID, event.BatchDiscovered, event.Batch{}); err != nil {
			return err
		}
	}
	if b.Status == "" || text(was) == b.Status {
		return nil // nothing is said, or nothing is new
	}
	name := event.Name(event.KindBatch, &b.Status)
	return t.append(b.BatchID, name, event.Batch{Field: event.FieldStatus, From: was, To: &b.Status})
}

// append completes the data and appends the event.
func (t telling) append(batch, name string, data event.Batch) error {
	t.held.Revision++
	data.BatchID, data.CampaignID = batch, t.held.CampaignID
	data.Revision, data.Observed, data.Batch = t.held.Revision, t.observed, t.object
	if data.Batch == nil {
		data.Batch = []byte("{}")
	}
	encoded, err := data.Encode()
	if err != nil {
		return err
	}
	return t.tx.Append(event.Event{
		ID: event.ID{
			Store: t.in.store.ID(), Scope: event.ScopeBatch, Batch: batch, Revision: data.Revision,
		},
		Name: name, Source: event.Source(t.in.o.APIBase, batch), CampaignID: data.CampaignID,
		Time: t.observed.Until, Data: encoded,
	})
}
