package fetch

import (
	"context"
	"io"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// Platform is what is asked. Its errors are those of package syllable.
type Platform interface {
	Directory
	// Results asks for the results of a batch; see syllable.Client.
	Results(ctx context.Context, batch string, f syllable.Filter, known syllable.Version, w io.Writer) (
		syllable.Version, error)
}

// Directory is what says which batches and campaigns there are.
type Directory interface {
	BatchPage(ctx context.Context, o syllable.Order, page, limit int) (syllable.BatchPage, error)
	Batch(ctx context.Context, id string) (syllable.Batch, error)
	Campaign(ctx context.Context, id int64) (syllable.Campaign, error)
}

// Taker takes what was found out. Of one batch it is told one thing at a time,
// but for Seen.
type Taker interface {
	// Seen takes what the platform says of batches themselves, asked for and
	// answered at the times given, and returns what is held of each. The first
	// call names all batches that there are at the start, before the first of
	// them is asked for; Raw is nil where a batch was not asked for yet.
	Seen(batches []syllable.Batch, asked, answered time.Time) ([]Held, error)
	// Take takes an observation and returns what is held of the batch then;
	// after an error it is offered what is then the newest, whole. When ctx
	// ends it finishes the commit in hand and returns.
	Take(ctx context.Context, o *Observation) (Held, error)
	// Gone tells that the platform does not know the batch.
	Gone(batch string) error
}

// Unfinished is a batch that an earlier process watched and that is not complete.
type Unfinished struct {
	Batch syllable.Batch // without its object
	Held  Held
}

// Held is what is held of a batch.
type Held struct {
	// Known says that it was seen before.
	Known bool
	// Baseline says that it was there at the very first start and that it is not
	// sure yet that all of it was seen: the platform's counts are to say so.
	Baseline bool
	// Polled is when the newest whole list on record was asked for, zero for
	// none; it may be a minute older than the newest.
	Polled time.Time
	// Changed is when the newest event of its calls was observed, zero for
	// none.
	Changed time.Time
	// Calls counts its calls by request_status, and within each by
	// channel_manager_status, "" for null.
	Calls map[string]map[string]int
	// Absent is how many calls the newest whole list lacked.
	Absent int
	// Completed says that it is complete.
	Completed bool
	// Events is how many events its calls have had.
	Events uint64
}

// Herald tells that the platform cannot be reached, and that it can be again.
type Herald interface {
	// Unreachable is told after several failures in a row, and may be told
	// more than once.
	Unreachable(o Outage) error
	// Recovered is told at the first success of a process, and at the first
	// after Unreachable.
	Recovered(o Outage) error
}

// Outage is a row of failures.
type Outage struct {
	// Since is when the first request failed, and At when the newest did or,
	// in Recovered, when one succeeded.
	Since, At time.Time
	// FailedPolls is how many polls have failed, and Cause why the newest did.
	FailedPolls int
	Cause       string
}
