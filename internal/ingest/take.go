package ingest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/crashpoint"
	"github.com/syllable-notifier/notifier/internal/diff"
	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// chunkCalls and chunkBytes bound one transaction.
const (
	chunkCalls = 1000
	chunkBytes = 4 << 20
)

// Take implements fetch.Taker.
func (in *Ingester) Take(ctx context.Context, o *fetch.Observation) (fetch.Held, error) {
	held, err := in.held(o.Batch)
	if err != nil {
		return fetch.Held{}, err
	}
	m := in.memory(o.Batch)
	t := &taking{
		ctx: ctx, in: in, o: o, look: m.newestLook(), memory: m,
		silent: held.Silent, known: held.Tally.Total(), held: held,
	}
	t.observed = observed(t.before(), o.Answered)
	if o.Partial {
		err = t.part()
	} else {
		err = t.whole()
	}
	return m.outline(t.held), err
}

// taking is one observation being taken.
type taking struct {
	ctx      context.Context // it lives as long as the call of Take
	in       *Ingester
	o        *fetch.Observation
	look     syllable.Batch // the newest
	memory   *memory
	held     store.Batch // as of the newest commit
	silent   bool
	observed event.Observed

	listed, fresh, known int // calls in the list; of these new; on record before
	open                 int // calls in the list that have not ended
	chunk                []seen
	size                 int // of the chunk, in bytes
	calls, events        int // that changed; that were told
}

// part takes a list of some of the batch's calls. That others are not in it
// means nothing.
func (t *taking) part() error {
	if err := t.o.Each(t.ctx, t.see); err != nil {
		return err
	}
	if len(t.chunk) > 0 {
		if err := t.commit(nil); err != nil {
			return err
		}
	}
	t.logChanges()
	return nil
}

// whole takes a list of all calls of the batch.
func (t *taking) whole() error {
	rules := rules{t.look.Ended(), t.o.Retries}
	switch {
	case !t.o.Unchanged:
		if err := t.o.Each(t.ctx, t.see); err != nil {
			return err
		}
		t.memory.listed = t.listed
		var err error
		if t.memory.absent, err = t.absent(); err != nil {
			return err
		}
	case rules != t.memory.rules && t.o.Listed():
		if err := t.o.Each(t.ctx, t.judge); err != nil {
			return err
		}
	default:
		t.open, rules = t.memory.open, t.memory.rules
	}
	t.memory.open, t.memory.rules = t.open, rules
	if err := t.removals(); err != nil {
		return err
	}
	return t.end()
}

// seen is a call that has to be compared, or one that is to be removed.
type seen struct {
	reference string
	raw       []byte
	sum       uint64
	values    diff.Values
	removed   bool
}

// see sorts out what did not change and puts the rest into the chunk.
func (t *taking) see(r syllable.Result) error {
	t.listed++
	_ = t.judge(r)
	sum := xxh3.Hash(r.Raw)
	var same bool
	err := t.in.store.View(t.o.Batch, func(tx *store.Tx) error {
		held, ok, err := tx.Call(r.ReferenceID)
		if !ok || held.Removed {
			t.fresh++
			return err
		}
		same = held.Sum == sum && held.Size == uint64(len(r.Raw))
		return err
	})
	if err != nil || same {
		return err
	}
	content, err := r.InsightsFingerprint()
	if err != nil {
		return fmt.Errorf("call %s of batch %s: insights: %w", event.Redact(r.ReferenceID), t.o.Batch, err)
	}
	return t.add(seen{
		reference: r.ReferenceID, raw: bytes.Clone(r.Raw), sum: sum,
		values: diff.Values{
			Request: r.RequestStatus, Channel: r.ChannelStatus, Insights: r.InsightsStatus, Content: content,
		},
	})
}

// judge counts a call that has not ended. It returns nil.
func (t *taking) judge(r syllable.Result) error {
	if !r.Ended(t.look, t.o.Retries) {
		t.open++
	}
	return nil
}

// gone is a call that is to be removed. All that the platform still says of it
// is its id.
func gone(reference string) (seen, error) {
	raw, err := json.Marshal(map[string]string{"reference_id": reference})
	return seen{reference: reference, raw: raw, removed: true}, err
}

func (t *taking) add(s seen) error {
	t.chunk = append(t.chunk, s)
	if t.size += len(s.raw); len(t.chunk) < chunkCalls && t.size < chunkBytes {
		return nil
	}
	// A crash after this commit leaves the poll as one that was not finished:
	// the calls of this chunk are up to date, the others are compared again.
	err := t.commit(nil)
	crashpoint.Here(crashpoint.IngestChunk)
	return err
}

// end commits what is left of a whole list, and with it that the batch was read
// to its end.
func (t *taking) end() error {
	asked := t.o.Asked.UTC()
	stale := t.held.Polled == nil || asked.Sub(*t.held.Polled) >= noteInterval
	done, err := t.completion()
	if err != nil {
		return err
	}
	if len(t.chunk) > 0 || t.calls > 0 || stale || t.silent || done != nil {
		err = t.commit(func(tx *store.Tx, b *store.Batch) error { return t.finish(tx, b, done) })
		if err != nil {
			return err
		}
	}
	t.memory.mu.Lock()
	t.memory.polled, t.memory.missing, t.memory.unended = &asked, len(t.memory.absent), t.memory.open
	t.memory.mu.Unlock()
	t.logChanges()
	return nil
}

func (t *taking) logChanges() {
	if t.events > 0 {
		t.in.log.Info("calls changed", "batch", t.o.Batch, "calls", t.calls, "events", t.events)
	}
}

// finish changes the batch's own record after a whole list: done is the manifest
// if the batch is complete.
func (t *taking) finish(tx *store.Tx, b *store.Batch, done *event.Manifest) error {
	asked := t.o.Asked.UTC()
	b.Polled = &asked
	if b.Silent && t.believable() {
		b.Silent = false
		b.Completed = t.memory.open == 0 && t.memory.listed > 0 // as it was found
	}
	if done == nil || b.Completed || t.events > 0 {
		return nil
	}
	b.Completed = true
	done.Events, done.First, done.Last = b.Events, b.First, b.Last
	return t.telling(tx, b).append(t.o.Batch, event.BatchCompleted, event.Batch{Manifest: done})
}

// silentLists is after how many whole lists the baseline of a batch is taken for
// complete, whatever the platform counts.
const silentLists = 5

// believable says whether a list shows all that was there at the very first
// start. One that is empty or cut short by a fault must not end the baseline:
// what it lacks would be told as new.
func (t *taking) believable() bool {
	t.memory.silent++
	short := t.o.Counted > t.memory.listed || t.o.Counted < 0 && t.memory.listed == 0
	return !short || t.memory.silent >= silentLists
}

// telling tells of the batch itself.
func (t *taking) telling(tx *store.Tx, b *store.Batch) telling {
	object := b.Object
	if t.look.Raw != nil {
		object = t.look.Raw
	}
	return telling{in: t.in, tx: tx, held: b, object: object, observed: t.observed}
}

// commit writes the chunk, and then lets finish change the batch's own record.
func (t *taking) commit(finish func(*store.Tx, *store.Batch) error) error {
	if err := t.ctx.Err(); err != nil {
		return err // between two chunks, nothing is half done
	}
	slices.SortStableFunc(t.chunk, func(a, b seen) int { return cmp.Compare(a.reference, b.reference) })
	var b store.Batch
	var events int
	err := t.in.store.Update(t.o.Batch, func(tx *store.Tx) (err error) {
		if b, err = tx.Batch(); err != nil {
			return err
		}
		if t.o.CampaignID != nil {
			b.CampaignID = t.o.CampaignID
		}
		before := b.Events
		if err := t.reopen(tx, &b); err != nil {
			return err
		}
		for _, s := range t.chunk {
			if err := t.apply(tx, &b, s); err != nil {
				return fmt.Errorf("call %s: %w", event.Redact(s.reference), err)
			}
		}
		events = int(b.Events - before) //nolint:gosec // a few for each call of a chunk
		t.events += events
		if finish != nil {
			if err := finish(tx, &b); err != nil {
				return err
			}
		}
		return tx.PutBatch(b)
	})
	if err != nil {
		t.events -= events
		return err
	}
	t.held = b
	if len(t.chunk) > 0 {
		t.memory.changed = t.o.Answered
	}
	t.calls += len(t.chunk)
	t.chunk, t.size = t.chunk[:0], 0
	return nil
}
