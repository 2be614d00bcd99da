package ops

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// pathStatus answers with a Status.
const pathStatus = "/api/v1/status"

// Status is how the daemon is doing, as JSON of GET /api/v1/status. Counts are
// of this process where nothing else is said; times are UTC.
type Status struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// Store is the store id, the first part of every event id.
	Store string `json:"store"`
	// Ready and Reasons are what /readyz says.
	Ready   bool     `json:"ready"`
	Reasons []Reason `json:"reasons"`
	Source  Source   `json:"source"`
	Outbox  Outbox   `json:"outbox"`
	Stream  Stream   `json:"stream"`
	Sinks   []Sink   `json:"sinks"`
	// Batches are those that are watched, in the order of their ids.
	Batches []Batch `json:"batches"`
}

// Source is how the platform is doing.
type Source struct {
	// State is ok or unreachable.
	State string `json:"state"`
	// Since is when the first poll of the row of failures under way failed,
	// null while there is none; FailedPolls counts them, and Cause is why the
	// newest failed.
	Since       *time.Time `json:"since"`
	FailedPolls int        `json:"failed_polls"`
	Cause       string     `json:"cause"`
	// Requests and Bytes are what was asked for and what came, decoded.
	Requests uint64 `json:"requests"`
	Bytes    uint64 `json:"bytes"`
}

// Values of Source.State.
const (
	SourceOK          = "ok"
	SourceUnreachable = "unreachable"
)

// Outbox is what waits for the stream.
type Outbox struct {
	// Waiting is how many events the stream does not hold yet, and Parked how
	// many could not be published or delivered at all.
	Waiting uint64 `json:"waiting"`
	Parked  int    `json:"parked"`
	// Limit is how many may wait before polling pauses.
	Limit uint64 `json:"limit"`
}

// Stream is what the events are published to.
type Stream struct {
	Name string `json:"name"`
	// Messages and Bytes are what it holds, of other daemons too; null where
	// that is not known, and Trouble says why, empty if all is well.
	Messages *uint64 `json:"messages"`
	Bytes    *uint64 `json:"bytes"`
	Trouble  string  `json:"trouble"`
}

// Sink is where events are delivered to.
type Sink struct {
	Name string `json:"name"`
	// Waiting is how many events in the stream are still to be delivered, null
	// where that is not known. Trouble is why, or why they cannot be
	// delivered; empty if all is well.
	Waiting *uint64 `json:"waiting"`
	Trouble string  `json:"trouble"`
}

// Values of Batch.State.
const (
	BatchDiscovered = "discovered" // it was not read yet
	BatchActive     = "active"     // calls of it wait or move
	BatchQuiet      = "quiet"      // nothing has changed for long, or it is paused
	BatchSettled    = "settled"    // it is complete
	BatchGone       = "gone"       // the platform does not know it
)

// Batch is how a batch is doing.
type Batch struct {
	ID         string `json:"batch_id"`
	CampaignID *int64 `json:"campaign_id"`
	// Campaign is the campaign's name, empty where it is not known.
	Campaign string `json:"campaign"`
	// Status is the platform's word, and State ours.
	Status string `json:"status"`
	State  string `json:"state"`
	// Found is when this process found it, null for never.
	Found *time.Time `json:"found"`
	// Calls counts its calls by request_status, over all processes. Of them
	// Waiting were not dialled yet, Moving are on the line or may be, and
	// Ended have ended, unless they are dialled again.
	Calls   map[string]int `json:"calls"`
	Waiting int            `json:"waiting"`
	Moving  int            `json:"moving"`
	Ended   int            `json:"ended"`
	// Events is how many events its calls have had, over all processes.
	Events uint64 `json:"events"`
	// LastPoll is when the newest successful poll was sent, NextPoll when the
	// next is due, and WholeList when the whole list was asked for; null for
	// never.
	LastPoll  *time.Time `json:"last_poll"`
	NextPoll  *time.Time `json:"next_poll"`
	WholeList *time.Time `json:"whole_list"`
	// Interval is the time between the two polls, and Lag how much longer than
	// that the newest successful one is ago (before the first, how long ago
	// the batch was found), both in seconds. A batch that is gone or asked for
	// no more is late only if the look for it is.
	Interval float64 `json:"interval_seconds"`
	Lag      float64 `json:"lag_seconds"`
	// Failures is how many polls have failed in a row, and LastError why the
	// newest did.
	Failures  int    `json:"failures"`
	LastError string `json:"last_error"`
	// Requests and Bytes are what it took, decoded.
	Requests uint64 `json:"requests"`
	Bytes    uint64 `json:"bytes"`
}

// getStatus answers with all that is known; ?batch=ID limits the batches.
func (h *handler) getStatus(w http.ResponseWriter, r *http.Request) {
	s := h.status(r.Context())
	if id := r.URL.Query().Get("batch"); id != "" {
		s.Batches = only(s.Batches, id)
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // see ready
	_ = enc.Encode(s)        // the only error is a client that went away
}

func only(all []Batch, id string) []Batch {
	for _, b := range all {
		if b.ID == id {
			return []Batch{b}
		}
	}
	return []Batch{}
}

// status asks for the state and completes it.
func (h *handler) status(ctx context.Context) Status {
	s := h.state(ctx)
	s.Reasons = h.reasons()
	s.Ready = len(s.Reasons) == 0
	if s.Sinks == nil {
		s.Sinks = []Sink{}
	}
	if s.Batches == nil {
		s.Batches = []Batch{}
	}
	return s
}
