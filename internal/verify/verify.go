package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/store"
)

const (
	// looks is how often a problem must be seen before it is told, and lookPause
	// the time between two looks.
	looks     = 2
	lookPause = time.Second
	// infoTimeout bounds a question to the stream.
	infoTimeout = 10 * time.Second
	// maxDeleted is of how many deleted messages the sequences are asked for.
	maxDeleted = 100_000
)

// errRemade is of a stream that was deleted and made again while it was read.
var errRemade = errors.New("the stream was made again meanwhile; ask once more")

// State is what is read of the state file.
type State interface {
	// ID returns the store id.
	ID() string
	// Recorded returns all batches on record.
	Recorded() ([]store.Recorded, error)
	// Sight looks at a batch in one transaction, and calls each with its calls.
	Sight(batch string, each func(reference string, c store.Call)) (store.Sight, error)
}

// Result is what came of the verification of a batch.
type Result struct {
	audit.Verdict
	Batch string
	At    time.Time // of the look at the state
	Took  time.Duration
	// Completed says that the batch is complete by the state. Revision is how many
	// events it has had itself, and Changes how many its calls have had.
	Completed         bool
	Revision, Changes uint64
	// Early says that events have left the stream at its front before its retention
	// says so: it was purged, or has lost its front.
	Early bool
	// ProblemCount counts all problems, of which Problems are the first hundred, in
	// sentences. They name calls by their whole reference ids.
	ProblemCount int
	Problems     []string
}

// Agrees says whether stream and state agree.
func (r Result) Agrees() bool { return r.ProblemCount == 0 }

// look verifies a batch once.
func (v *Verifier) look(ctx context.Context, batch string, progress func(read, of uint64)) (Result, error) {
	begun := time.Now()
	s, before, err := v.stream(ctx)
	if err != nil {
		return Result{}, err
	}
	judge, sight, err := v.sight(batch)
	if err != nil {
		return Result{}, err
	}
	at := time.Now().UTC()
	now, err := info(ctx, s)
	if err != nil {
		return Result{}, err
	}
	subject := v.o.Prefix + ".*.*.*." + event.Token(batch)
	sure := before.State.LastSeq
	err = read(ctx, s, subject, now.State.LastSeq, progress, func(sequence uint64, m jetstream.Msg) {
		judge.AddAt(sequence, sequence <= sure, m.Subject(), m.Headers(), m.Data())
	})
	if err != nil {
		return Result{}, fmt.Errorf("read the stream: %w", err)
	}
	for _, e := range sight.Waiting {
		judge.AddWaiting(e)
	}
	end, tooEarly, err := v.end(ctx, s, before.Created, sight)
	if err != nil {
		return Result{}, err
	}
	verdict := judge.Settle(end)
	report := judge.Report()
	return Result{
		Verdict: verdict, Batch: batch, At: at, Took: time.Since(begun), Completed: sight.Batch.Completed,
		Revision: sight.Batch.Revision, Changes: sight.Batch.Events,
		Early:        tooEarly && verdict.Aged > 0,
		ProblemCount: report.ProblemCount, Problems: report.Problems,
	}, nil
}

// stream returns the stream and how it is now.
func (v *Verifier) stream(ctx context.Context) (jetstream.Stream, *jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	s, err := v.o.Stream(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("the stream: %w", err)
	}
	i, err := info(ctx, s)
	return s, i, err
}

func info(ctx context.Context, s jetstream.Stream, o ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	i, err := s.Info(ctx, o...)
	if err != nil {
		return nil, fmt.Errorf("the stream: %w", err)
	}
	return i, nil
}

// sight looks at the state, and returns who judges by it.
func (v *Verifier) sight(batch string) (*audit.Auditor, store.Sight, error) {
	judge := audit.NewHeld(v.o.Prefix, v.o.State.ID(), batch)
	sight, err := v.o.State.Sight(batch, func(reference string, c store.Call) {
		judge.Hold(reference, audit.Call{
			Revision: c.Revision, Removed: c.Removed,
			Request: c.Request, Channel: c.Channel, Insights: c.Insights, Content: c.Content,
		})
	})
	if err != nil {
		return nil, sight, err
	}
	b := sight.Batch
	judge.HoldBatch(audit.Batch{
		Revision: b.Revision, Status: b.Status, Completed: b.Completed, Events: b.Events, First: b.First, Last: b.Last,
	})
	for _, p := range sight.Parked {
		judge.Park(p.Event.ID, p.Reason)
	}
	for id := range v.putBack(batch) {
		judge.PutBack(id)
	}
	return judge, sight, nil
}

// end says what the stream has lost at its front by now, and within, and whether
// what it has lost of the batch at its front had its time still before it.
func (v *Verifier) end(
	ctx context.Context, s jetstream.Stream, made time.Time, sight store.Sight,
) (end audit.End, tooEarly bool, err error) {
	now, err := info(ctx, s)
	if err != nil {
		return end, false, err
	}
	if n := now.State.NumDeleted; n > 0 && n <= maxDeleted {
		if now, err = info(ctx, s, jetstream.WithDeletedDetails(true)); err != nil {
			return end, false, err
		}
	}
	if !now.Created.Equal(made) {
		return end, false, errRemade
	}
	var since time.Time
	if first := sight.Batch.First; first != nil {
		since = *first
	}
	end = audit.End{
		First:     now.State.FirstSeq,
		AgedCalls: sight.Restored || mayHaveAged(now, since, time.Now()),
		// When the first event of the batch itself was observed is not on record.
		AgedBatch: sight.Restored || mayHaveAged(now, time.Time{}, time.Now()),
		Deleted:   slices.Sorted(slices.Values(now.State.Deleted)),
	}
	return end, !sight.Restored && !since.IsZero() && early(now, since, time.Now()), nil
}
