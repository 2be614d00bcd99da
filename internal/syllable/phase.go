package syllable

import "strings"

// Phase is how far on a call is, by its request_status.
type Phase string

// The phases. The set of statuses is open: one that is not known is Moving.
const (
	Waiting Phase = "waiting" // it was not dialled yet
	Moving  Phase = "moving"  // it is on the line, or so it may be
	Over    Phase = "over"    // it has ended, unless it is dialled again
)

// PhaseOf returns the phase of a request_status, nil for one that is absent or
// null.
func PhaseOf(status *string) Phase {
	switch text(status) {
	case "", "PENDING", "QUEUED":
		return Waiting
	case "COMPLETED", "FAILED", "CANCELED", "INVALID", "DUPLICATE", "SKIPPED":
		return Over
	}
	return Moving
}

// InsightsOpen says whether the insights of a call are still to come: their
// status is neither null nor one that ends them.
func (r Result) InsightsOpen() bool {
	switch text(r.InsightsStatus) {
	case "", "COMPLETED", "FAILED":
		return false
	}
	return true
}

// RetriesUnknown stands for the retry_count of a campaign that could not be
// asked for.
const RetriesUnknown = -1

// Ended says whether nothing more is to be expected of a call of batch b, whose
// campaign dials a call again so many times. It is a guess that a later change
// may prove wrong:
//
//	request_status                           ended
//	COMPLETED, CANCELED, INVALID,            yes
//	DUPLICATE, SKIPPED
//	FAILED                                   yes, unless the line was busy or
//	                                         nobody answered, and the campaign
//	                                         has retries left
//	PENDING, QUEUED                          no; but if the batch has ended,
//	                                         yes where it was never dialled
//	any other                                no
//
// and in any case only if insights_status is null, COMPLETED or FAILED.
func (r Result) Ended(b Batch, retries int) bool {
	if r.InsightsOpen() {
		return false
	}
	switch PhaseOf(r.RequestStatus) {
	case Over:
		return text(r.RequestStatus) != "FAILED" || b.Ended() || !r.retried() || retries == 0 ||
			retries != RetriesUnknown && int(r.Attempts()) > retries
	case Waiting:
		return b.Ended() && r.Attempts() == 0
	case Moving:
	}
	return false
}

// retried says whether the platform dials a call again that ended like this.
func (r Result) retried() bool {
	switch strings.ReplaceAll(text(r.ChannelStatus), "_", "-") {
	case "BUSY", "NO-ANSWER":
		return true
	}
	return false
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
