package publish

import "github.com/nats-io/nats.go/jetstream"

// recovery knows whether all that the server has delivered and waits for is in
// our hands. Where something is not, it was delivered to a process that has
// died, or got lost on the way: it comes again when the server has waited for
// its acknowledgement in vain, and meanwhile the server goes on with what is
// newer. To deliver that would be to deliver a call's third event before its
// first. recovery is pure, and not safe for concurrent use.
//
// It goes by two things that the server counts. Each delivery has a number, one
// higher than the delivery before, so that a number which is missing shows a
// delivery that went elsewhere. And the server says how many events it waits
// for, all of them at or before the last that it has delivered: when we hold so
// many of that part of the stream, we hold all.
type recovery struct {
	expected uint64 // number of the next delivery
	// complete says that all is in our hands.
	complete bool
	// missed counts how often deliveries went elsewhere, and seen those before
	// the look at the server that the rest is of.
	missed, seen int
	owed         int // events that the server waited for then
	// first and last are what these lie between in the stream; what is before
	// first has aged out of it, and the server does not wait for it for long.
	first, last uint64
}

// newRecovery begins with what the server says before anything is delivered.
func newRecovery(info *jetstream.ConsumerInfo) recovery {
	return recovery{
		expected: info.Delivered.Consumer + 1, complete: info.NumAckPending == 0,
		owed: info.NumAckPending, last: info.Delivered.Stream,
	}
}

// received takes in the number of a delivery. It says true where deliveries
// before it are missing, so that another look at the server is needed.
func (r *recovery) received(number uint64) bool {
	missing := number != r.expected
	r.expected = number + 1
	if missing {
		r.complete = false
		r.missed++
	}
	return missing
}

// looked takes in what a look has found: first is where the stream began after
// it, and missed what the field was before it. It says false for a look that is
// of no use, because more was missed meanwhile.
func (r *recovery) looked(info *jetstream.ConsumerInfo, first uint64, missed int) bool {
	if missed != r.missed {
		return false
	}
	r.seen, r.owed, r.first, r.last = missed, info.NumAckPending, first, info.Delivered.Stream
	return true
}

// check ends the recovery when everything is in our hands. Only what waits is
// counted: the acknowledgement of what is under way may have arrived already.
func (r *recovery) check(s *schedule) bool {
	if !r.complete && r.seen == r.missed && s.waiting(r.first, r.last) >= r.owed {
		r.complete = true
	}
	return r.complete
}
