package ingest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/diff"
	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

const (
	// chunkCalls and chunkBytes bound one transaction.
	chunkCalls = 1000
	chunkBytes = 4 << 20
	// noteInterval is how much older than the newest poll the time on record
	// may be while polls see no change, so that they need not each commit.
	noteInterval = time.Minute
)

// Ingester implements fetch.Taker on a store. It may be used for several
// batches at once, but not for the same batch twice at once.
type Ingester struct {
	store   *store.Store
	apiBase string
	silent  bool
	log     *slog.Logger

	mu     sync.Mutex
	polled map[string]time.Time // when the newest successful poll of each batch was sent
}

// Options of an Ingester.
type Options struct {
	// APIBase is the platform's base URL, for the source of the events.
	APIBase string
	// Silent records what is there at the very first start without events.
	Silent bool
	Log    *slog.Logger
}

// New returns an Ingester that commits to st.
func New(st *store.Store, o Options) *Ingester {
	return &Ingester{store: st, apiBase: o.APIBase, silent: o.Silent, log: o.Log, polled: map[string]time.Time{}}
}

// Discovered implements fetch.Taker. Only the first time ever matters: the
// batches that are there then are the baseline.
func (in *Ingester) Discovered(batches []string) error {
	first, err := in.store.Baseline(batches, in.silent)
	if err == nil && first && in.silent && len(batches) > 0 {
		in.log.Info("first start: what is there already is recorded without events", "batches", len(batches))
	}
	return err
}

// Gone implements fetch.Taker. A batch that is not there has no results that
// were there at the first start: if it comes, all of it is new.
func (in *Ingester) Gone(batch string) error {
	held, err := in.held(batch)
	if err != nil || !held.Silent {
		return err
	}
	return in.store.Update(batch, func(tx *store.Tx) error {
		held.Silent = false
		return tx.PutBatch(held)
	})
}

func (in *Ingester) held(batch string) (store.Batch, error) {
	var held store.Batch
	err := in.store.View(batch, func(tx *store.Tx) (err error) {
		held, err = tx.Batch()
		return err
	})
	if err != nil {
		return held, fmt.Errorf("batch %s: %w", batch, err)
	}
	return held, nil
}

// seen is a call that has to be compared.
type seen struct {
	reference string
	raw       []byte
	sum       uint64
	values    diff.Values
}

// Take implements fetch.Taker.
func (in *Ingester) Take(ctx context.Context, o *fetch.Observation) error {
	held, err := in.held(o.Batch)
	if err != nil {
		return err
	}
	t := &taking{
		ctx: ctx, in: in, o: o, held: held, campaign: o.CampaignID,
		observed: event.Observed{After: in.newestPoll(o.Batch, held.Polled), Until: o.Answered.UTC()},
	}
	if t.campaign == nil {
		t.campaign = held.CampaignID
	}
	if t.observed.After != nil && t.observed.After.After(t.observed.Until) {
		t.observed.Until = *t.observed.After // the clock was set back
	}
	if !o.Unchanged {
		if err := o.Each(ctx, t.see); err != nil {
			return err
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.polled[o.Batch] = o.Asked.UTC()
	return nil
}

// newestPoll returns when the newest successful poll of a batch was sent: that
// of this process, or else the one on record, which may be a little older.
func (in *Ingester) newestPoll(batch string, recorded *time.Time) *time.Time {
	in.mu.Lock()
	defer in.mu.Unlock()
	if at, ok := in.polled[batch]; ok {
		return &at
	}
	return recorded
}

// taking is one observation being taken.
type taking struct {
	ctx      context.Context // it lives as long as the call of Take
	in       *Ingester
	o        *fetch.Observation
	held     store.Batch
	campaign *int64 // nil: never known
	observed event.Observed
	chunk    []seen
	size     int // of the chunk, in bytes
	calls    int // that changed
	events   int
}

// see sorts out what did not change and puts the rest into the chunk.
func (t *taking) see(r syllable.Result) error {
	sum := xxh3.Hash(r.Raw)
	var same bool
	err := t.in.store.View(t.o.Batch, func(tx *store.Tx) error {
		held, ok, err := tx.Call(r.ReferenceID)
		same = ok && held.Sum == sum && held.Size == uint64(len(r.Raw))
		return err
	})
	if err != nil || same {
		return err
	}
	content, err := r.InsightsFingerprint()
	if err != nil {
		return fmt.Errorf("call %s of batch %s: insights: %w", event.Redact(r.ReferenceID), t.o.Batch, err)
	}
	t.chunk = append(t.chunk, seen{
		reference: r.ReferenceID, raw: bytes.Clone(r.Raw), sum: sum,
		values: diff.Values{
			Request: r.RequestStatus, Channel: r.ChannelStatus, Insights: r.InsightsStatus, Content: content,
		},
	})
	if t.size += len(r.Raw); len(t.chunk) < chunkCalls && t.size < chunkBytes {
		return nil
	}
	// A crash after this commit leaves the batch's own record as it was: the
	// calls of this chunk are up to date, the others are compared again.
	return t.commit(nil)
}

// end commits what is left, and with it that the batch was read to its end.
func (t *taking) end() error {
	now := t.held
	now.Silent = false
	now.CampaignID = t.campaign
	asked := t.o.Asked.UTC()
	now.Polled = &asked
	stale := t.held.Polled == nil || asked.Sub(*t.held.Polled) >= noteInterval
	if len(t.chunk) == 0 && t.calls == 0 && !stale && !t.held.Silent {
		return nil
	}
	if err := t.commit(&now); err != nil {
		return err
	}
	if t.events > 0 {
		t.in.log.Info("calls changed", "batch", t.o.Batch, "calls", t.calls, "events", t.events)
	}
	return nil
}

// commit writes the chunk, and the batch's own record unless it is nil.
func (t *taking) commit(batch *store.Batch) error {
	if err := t.ctx.Err(); err != nil {
		return err // between two chunks, nothing is half done
	}
	slices.SortFunc(t.chunk, func(a, b seen) int { return cmp.Compare(a.reference, b.reference) })
	events := 0
	err := t.in.store.Update(t.o.Batch, func(tx *store.Tx) error {
		events = 0
		for _, s := range t.chunk {
			n, err := t.apply(tx, s)
			if err != nil {
				return fmt.Errorf("call %s: %w", event.Redact(s.reference), err)
			}
			events += n
		}
		if batch != nil {
			return tx.PutBatch(*batch)
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.calls += len(t.chunk)
	t.events += events
	t.chunk, t.size = t.chunk[:0], 0
	return nil
}

// apply compares one call and returns how many events it gave.
func (t *taking) apply(tx *store.Tx, s seen) (int, error) {
	held, ok, err := tx.Call(s.reference)
	if err != nil {
		return 0, err
	}
	var now diff.Record
	var changes []diff.Change
	switch {
	case ok:
		now, changes = diff.Call(&held.Record, s.values)
	case t.held.Silent:
		now = diff.Baseline(s.values)
	default:
		now, changes = diff.Call(nil, s.values)
	}
	for _, c := range changes {
		e, err := t.event(s, c)
		if err != nil {
			return 0, err
		}
		if err := tx.Append(e); err != nil {
			return 0, err
		}
	}
	return len(changes), tx.PutCall(s.reference, store.Call{Record: now, Sum: s.sum, Size: uint64(len(s.raw))})
}

func (t *taking) event(s seen, c diff.Change) (event.Event, error) {
	data, err := event.Call{
		BatchID: t.o.Batch, CampaignID: t.campaign, ReferenceID: s.reference,
		Field: c.Field, From: c.From, To: c.To, Revision: c.Revision,
		Observed: t.observed, Result: s.raw,
	}.Encode()
	if err != nil {
		return event.Event{}, err
	}
	return event.Event{
		ID: event.ID{
			Store: t.in.store.ID(), Batch: t.o.Batch, Reference: s.reference, Revision: c.Revision,
		},
		Name: c.Name, Source: event.Source(t.in.apiBase, t.o.Batch), CampaignID: t.campaign,
		Time: t.observed.Until, Data: data,
	}, nil
}
