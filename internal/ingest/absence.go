package ingest

import (
	"github.com/zeebo/xxh3"

	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// A list that lacks calls may be a fault of the platform, and to say that a
// call was removed when it was not would be worse than to say it late. It is
// said when the call was missing in so many whole lists in a row, many more if
// more than a few are missing; or at once if the batch itself was deleted.
const (
	absentPolls     = 5
	absentPollsMost = 40

	// absentFew is how many calls may be missing, and absentShare the inverse
	// of the share of the list, that are a few.
	absentFew   = 5
	absentShare = 20
)

// absent returns the calls on record that the list lacks, each with the number
// of polls in a row before this one. It costs nothing while there are none.
func (t *taking) absent() (map[string]int, error) {
	if t.listed-t.fresh >= t.known {
		return nil, nil //nolint:nilnil // none are absent
	}
	listed := make(map[uint64]bool, t.listed)
	err := t.o.Each(t.ctx, func(r syllable.Result) error {
		listed[xxh3.HashString(r.ReferenceID)] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	absent := map[string]int{}
	err = t.in.store.View(t.o.Batch, func(tx *store.Tx) error {
		return tx.EachCall(func(reference string, c store.Call) error {
			if !c.Removed && !listed[xxh3.HashString(reference)] {
				absent[reference] = t.memory.absent[reference]
			}
			return nil
		})
	})
	if len(absent) > 0 && len(t.memory.absent) == 0 {
		t.in.log.Warn("the list of results lacks calls that it had; waiting for confirmation",
			"batch", t.o.Batch, "missing", len(absent), "listed", t.listed)
	}
	return absent, err
}

// removals counts one more poll for each call that is absent, and puts those
// whose absence is confirmed into the chunk.
func (t *taking) removals() error {
	limit := absentPolls
	n, listed := len(t.memory.absent), t.memory.listed
	if n > listed || n > absentFew && n*absentShare > listed {
		limit = absentPollsMost
	}
	for reference := range t.memory.absent {
		t.memory.absent[reference]++
		if t.memory.absent[reference] < limit && !t.look.Deleted() {
			continue
		}
		delete(t.memory.absent, reference)
		s, err := gone(reference)
		if err != nil {
			return err
		}
		if err := t.add(s); err != nil {
			return err
		}
	}
	return nil
}
