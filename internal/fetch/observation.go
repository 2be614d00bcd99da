package fetch

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// Observation is one complete, valid list of the results of a batch, or of those
// of some of its calls.
type Observation struct {
	Batch string
	// CampaignID is the batch's campaign, nil where the platform names none.
	CampaignID *int64
	// Retries is how often the campaign dials a call again, and
	// syllable.RetriesUnknown where that could not be asked for.
	Retries int
	// Counted is how many calls the platform counted just before, -1 if it did
	// not say.
	Counted int
	// Partial says that the list is of some calls only; see Since.
	Partial bool
	// Asked is when the request was sent, and Answered when the whole answer
	// was there: the list is of some moment between the two.
	Asked, Answered time.Time
	// Unchanged says that the list is, byte for byte, the one that was taken
	// before it in this process.
	Unchanged bool
	// Duplicates is how many results had a reference id that another one in
	// the list has too; Each passes over all but one of them.
	Duplicates int

	body        *spool
	since       func(reference, field string) time.Time // of a partial list
	unlisted    bool                                    // the list was not sent, since it is still the same
	fingerprint xxh3.Uint128                            // of the body
	checked     bool                                    // validate has passed
	count       int                                     // of results, set by validate
	// chosen holds the hash of the one result to use for each reference id
	// that occurs more than once.
	chosen map[string]uint64
}

// Listed says whether the list is at hand: the platform does not send one again
// of which it says that it did not change.
func (o *Observation) Listed() bool { return !o.unlisted }

// Since returns when a field of a call in a partial list is known to have had
// another value, or the call to have been looked at: the last time. It is zero
// where that is not known.
func (o *Observation) Since(reference, field string) time.Time {
	if o.since == nil {
		return time.Time{}
	}
	return o.since(reference, field)
}

// Each calls fn with every call in the list, once each, until ctx ends; the
// result is valid during the call of fn only.
func (o *Observation) Each(ctx context.Context, fn func(syllable.Result) error) error {
	if !o.checked { // a list that is unchanged was found valid before
		if err := o.validate(ctx, func(syllable.Result) {}); err != nil {
			return err
		}
	}
	used := map[string]bool{}
	return o.all(ctx, func(r syllable.Result) error {
		if want, twice := o.chosen[r.ReferenceID]; twice {
			if used[r.ReferenceID] || xxh3.Hash(r.Raw) != want {
				return nil
			}
			used[r.ReferenceID] = true
		}
		return fn(r)
	})
}

func (o *Observation) all(ctx context.Context, fn func(syllable.Result) error) error {
	return syllable.ReadResults(o.body.reader(), func(raw []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := syllable.ParseResult(raw)
		if err != nil {
			return err
		}
		return fn(r)
	})
}

// validate reads the whole list once, and settles which result is used for a
// reference id that occurs more than once. It calls note with every result.
func (o *Observation) validate(ctx context.Context, note func(syllable.Result)) error {
	// Eight bytes a call, where the ids themselves would take many times that.
	var hashes []uint64
	err := o.all(ctx, func(r syllable.Result) error {
		hashes = append(hashes, xxh3.HashString(r.ReferenceID))
		note(r)
		return nil
	})
	if err != nil {
		return err
	}
	o.count = len(hashes)
	slices.Sort(hashes)
	twice := map[uint64]bool{}
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] {
			twice[hashes[i]] = true
		}
	}
	if len(twice) > 0 {
		if err := o.choose(ctx, twice); err != nil {
			return err
		}
	}
	o.checked = true
	return nil
}

// choose picks, for each id of those hashes, the result that is furthest on:
// the one with the most attempts, and among equals the one whose bytes are
// greatest. So the choice does not depend on the order of the list, which
// could change from poll to poll and make changes where there are none.
func (o *Observation) choose(ctx context.Context, twice map[uint64]bool) error {
	best := map[string]syllable.Result{}
	results := 0
	err := o.all(ctx, func(r syllable.Result) error {
		if !twice[xxh3.HashString(r.ReferenceID)] {
			return nil
		}
		results++
		if b, ok := best[r.ReferenceID]; !ok || furtherOn(r, b) {
			r.Raw = bytes.Clone(r.Raw)
			best[r.ReferenceID] = r
		}
		return nil
	})
	o.Duplicates = results - len(best)
	o.chosen = make(map[string]uint64, len(best))
	for id, r := range best {
		o.chosen[id] = xxh3.Hash(r.Raw)
	}
	return err
}

func furtherOn(a, b syllable.Result) bool {
	if x, y := a.Attempts(), b.Attempts(); x != y {
		return x > y
	}
	return bytes.Compare(a.Raw, b.Raw) > 0
}

func (o *Observation) close() { o.body.close() }
