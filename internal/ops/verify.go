package ops

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// pathVerify answers with a Verification of ?batch=ID, and without one with the
// ids of all batches on record.
const pathVerify = "/api/v1/verify"

// progressType is what a client accepts that wants to hear of progress: an answer
// of several lines of JSON, each a Progress, the last one with the outcome.
const progressType = "application/x-ndjson"

// progressInterval is the time from one line of progress to the next.
const progressInterval = time.Second

// ErrUnknownBatch says that the state has never heard of a batch.
var ErrUnknownBatch = errors.New("there is no such batch in the state")

// Verification is what came of comparing stream and state of a batch.
type Verification struct {
	Batch string    `json:"batch_id"`
	At    time.Time `json:"verified_at"`
	Took  float64   `json:"took_seconds"`
	// Agrees says that there are no problems, and Completed that the batch is
	// complete by the state.
	Agrees    bool `json:"agrees"`
	Completed bool `json:"completed"`
	// Calls are those on record, Silent those of them that were recorded without
	// events.
	Calls  int `json:"calls"`
	Silent int `json:"silent"`
	// Events are those that the state tells of, of calls and of the batch itself.
	// Each is found, has aged (left the stream at its front), is parked or is
	// missing. Waiting of those found are in the outbox alone.
	Events  uint64 `json:"events"`
	Found   uint64 `json:"found"`
	Waiting uint64 `json:"waiting"`
	Aged    uint64 `json:"aged"`
	Parked  uint64 `json:"parked"`
	Missing uint64 `json:"missing"`
	// Early says that what has aged left before the stream's retention says so.
	Early bool `json:"aged_early"`
	// Repaired were published again, Newer came after the look at the state, Others
	// are of other state files, and Ahead are in the stream although the state does
	// not tell of them.
	Repaired uint64 `json:"repaired"`
	Newer    uint64 `json:"newer"`
	Others   uint64 `json:"others"`
	Ahead    uint64 `json:"ahead"`
	// Manifest is agrees, differs, or none.
	Manifest string `json:"manifest"`
	// ProblemCount counts all problems, of which Problems are the first hundred.
	ProblemCount int      `json:"problem_count"`
	Problems     []string `json:"problems"`
	// MissingIDs are the ids of missing events, the first 10,000.
	MissingIDs []string `json:"missing_ids"`
}

// Progress is a line of an answer that tells of progress: how many messages of how
// many were read, or the outcome.
type Progress struct {
	Read   uint64        `json:"read"`
	Of     uint64        `json:"of"`
	Result *Verification `json:"result,omitempty"`
	Error  string        `json:"error,omitempty"`
}

// Batches is the answer without a batch.
type Batches struct {
	Batches []string `json:"batches"`
}

// Verifier verifies batches.
type Verifier interface {
	// Verify compares stream and state of a batch. Its error wraps ErrUnknownBatch
	// where that is the reason.
	Verify(ctx context.Context, batch string, progress func(read, of uint64)) (Verification, error)
	// Batches returns the ids of all batches on record.
	Batches() ([]string, error)
}

func (h *handler) getVerify(w http.ResponseWriter, r *http.Request) {
	batch := r.URL.Query().Get("batch")
	if batch == "" {
		ids, err := h.verifier.Batches()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		writeJSON(w, Batches{append([]string{}, ids...)})
		return
	}
	// The answer takes as long as the stream is; it ends when whoever asks goes away,
	// or the daemon stops. The end of the time to read would end it too.
	c := http.NewResponseController(w)
	_ = errors.Join(c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{}))
	if r.Header.Get("Accept") == progressType {
		h.verifyAloud(w, r, batch)
		return
	}
	v, err := h.verifier.Verify(r.Context(), batch, func(uint64, uint64) {})
	if err != nil {
		http.Error(w, err.Error(), verifyCode(err))
		return
	}
	writeJSON(w, v)
}

func verifyCode(err error) int {
	if errors.Is(err, ErrUnknownBatch) {
		return http.StatusNotFound
	}
	return http.StatusServiceUnavailable
}

// verifyAloud verifies and tells of its progress. The last line has the outcome, of
// which the status code can tell only before the first.
func (h *handler) verifyAloud(w http.ResponseWriter, r *http.Request, batch string) {
	w.Header().Set("Content-Type", progressType)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	var begun bool
	var told time.Time
	v, err := h.verifier.Verify(r.Context(), batch, func(read, of uint64) {
		if time.Since(told) < progressInterval {
			return
		}
		told, begun = time.Now(), true
		_ = enc.Encode(Progress{Read: read, Of: of})
		_ = http.NewResponseController(w).Flush()
	})
	switch {
	case err == nil:
		_ = enc.Encode(Progress{Result: &v})
	case begun:
		_ = enc.Encode(Progress{Error: err.Error()})
	default:
		w.WriteHeader(verifyCode(err))
		_ = enc.Encode(Progress{Error: err.Error()})
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // see ready
	_ = enc.Encode(v)        // the only error is a client that went away
}
