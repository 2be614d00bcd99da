package ingest

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// noteInterval is how much older than the newest poll the time on record may
// be while polls see no change, so that they need not each commit.
const noteInterval = time.Minute

// Ingester implements fetch.Taker and fetch.Herald on a store. It may be used
// for several batches at once; of one batch, one observation at a time.
type Ingester struct {
	store *store.Store
	o     Options
	log   *slog.Logger

	mu       sync.Mutex
	begun    bool // the baseline was settled
	memories map[string]*memory
	herald   sync.Mutex // one event of the source at a time
}

// Options of an Ingester.
type Options struct {
	// APIBase is the platform's base URL, for the source of the events.
	APIBase string
	// Silent records what is there at the very first start without events.
	Silent bool
	// Settle is how long nothing may have changed before a batch counts as
	// complete: insights of a call that has ended may take a moment to begin.
	Settle time.Duration
	Log    *slog.Logger
}

// memory is what is known of a batch in this process alone.
type memory struct {
	mu      sync.Mutex
	look    syllable.Batch // the newest
	looked  time.Time      // when it was asked for
	polled  *time.Time     // when the newest full list was asked for
	missing int            // how many calls that lacked
	unended int            // how many in it have not ended

	// What follows belongs to whoever takes the observation in hand.
	open    int            // calls that have not ended, in the newest full list
	rules   rules          // by which that was judged
	listed  int            // calls in that list
	silent  int            // whole lists while the baseline was not complete
	absent  map[string]int // calls on record that it lacked, and for how many lists in a row
	changed time.Time      // when something changed last
}

// rules are what it depends on, beside a call itself, whether it has ended.
type rules struct {
	batchEnded bool
	retries    int
}

// New returns an Ingester that commits to st.
func New(st *store.Store, o Options) *Ingester {
	return &Ingester{store: st, o: o, log: o.Log, memories: map[string]*memory{}}
}

func (in *Ingester) memory(batch string) *memory {
	in.mu.Lock()
	defer in.mu.Unlock()
	m := in.memories[batch]
	if m == nil {
		m = &memory{}
		in.memories[batch] = m
	}
	return m
}

// see takes in a look, unless a newer one is there already, and returns it: lists
// of batches and details are asked for side by side. A status that is not said
// is the one of before.
func (m *memory) see(b syllable.Batch, asked time.Time, status *string) (syllable.Batch, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if asked.Before(m.looked) {
		return b, false
	}
	if b.Status == "" {
		b.Status = m.look.Status
		if m.looked.IsZero() {
			b.Status = text(status)
		}
	}
	m.look, m.looked = b, asked
	return b, true
}

func (m *memory) newestLook() syllable.Batch {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.look
}

// Seen implements fetch.Taker. The batches of the very first time are the
// baseline.
func (in *Ingester) Seen(batches []syllable.Batch, asked, answered time.Time) ([]fetch.Held, error) {
	if err := in.baseline(batches); err != nil {
		return nil, err
	}
	all := make([]fetch.Held, len(batches))
	for i, b := range batches {
		held, err := in.held(b.BatchID)
		// One without an object was not looked at yet, and one that was deleted
		// before we saw it has nothing to tell.
		if err == nil && b.Raw != nil && (held.Discovered || !b.Deleted()) {
			held, err = in.look(b, held, asked, answered)
		}
		if err != nil {
			return nil, fmt.Errorf("batch %s: %w", b.BatchID, err)
		}
		all[i] = in.memory(b.BatchID).outline(held)
	}
	return all, nil
}

func (in *Ingester) baseline(batches []syllable.Batch) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.begun {
		return nil
	}
	var ids []string
	for _, b := range batches {
		if !b.Deleted() {
			ids = append(ids, b.BatchID)
		}
	}
	first, err := in.store.Baseline(ids, in.o.Silent)
	if err != nil {
		return err
	}
	in.begun = true
	if first && in.o.Silent && len(ids) > 0 {
		in.log.Info("first start: what is there already is recorded without events", "batches", len(ids))
	}
	return nil
}

// Gone implements fetch.Taker. A batch that is not there has no results that
// were there at the first start: if it comes, all of it is new.
func (in *Ingester) Gone(batch string) error {
	held, err := in.held(batch)
	if err != nil || !held.Silent || held.Discovered { // it was there
		return err
	}
	return in.store.Update(batch, func(tx *store.Tx) error {
		b, err := tx.Batch()
		if err != nil {
			return err
		}
		b.Silent = false
		return tx.PutBatch(b)
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

// outline says what the poller needs to know of what is held.
func (m *memory) outline(b store.Batch) fetch.Held {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := fetch.Held{
		Known: b.Discovered || b.Polled != nil, Baseline: b.Silent, Calls: b.Tally, Absent: m.missing, Events: b.Events,
		// One that was extended is to be watched as if it were not complete.
		Completed: b.Completed && m.unended == 0,
	}
	if b.Polled != nil {
		h.Polled = *b.Polled
	}
	if b.Last != nil {
		h.Changed = *b.Last
	}
	return h
}

// Unfinished returns the batches on record that are not complete: they are to be
// watched whatever the platform lists.
func (in *Ingester) Unfinished() ([]fetch.Unfinished, error) {
	ids, err := in.store.Batches()
	if err != nil {
		return nil, err
	}
	var all []fetch.Unfinished
	for _, id := range ids {
		held, err := in.held(id)
		if err != nil {
			return nil, err
		}
		if !held.Completed && (held.Discovered || held.Polled != nil) {
			all = append(all, fetch.Unfinished{
				Batch: syllable.Batch{BatchID: id, CampaignID: held.CampaignID, Status: text(held.Status)},
				Held:  in.memory(id).outline(held),
			})
		}
	}
	return all, nil
}

// observed returns the bounds of what a poll saw, given the one before.
func observed(before *time.Time, answered time.Time) event.Observed {
	o := event.Observed{After: before, Until: answered.UTC()}
	if before != nil && before.After(o.Until) {
		o.Until = *before // the clock was set back
	}
	return o
}
