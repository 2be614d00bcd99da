package publish

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
)

// itemState says what became of an item so far.
type itemState string

const (
	itemWaiting  itemState = "waiting"   // to be delivered
	itemUnderWay itemState = "under way" // with a worker
	itemSettled  itemState = "settled"   // delivered, parked or passed over, and acknowledged
)

// item is one event of the stream that is in our hands.
type item struct {
	sequence uint64 // in the stream
	stored   time.Time
	event    event.Event // of a settled item only the id, and none where it is not ours
	state    itemState
	// message is what the event is acknowledged with: the newest, where the
	// server has sent it more than once; nil where it must not be.
	message atomic.Pointer[jetstream.Msg]
	// settled counts the items that a settled one stands for.
	settled int
}

// callOf returns what events are one in flight at a time of: a call, a batch for
// its own events, or the source for its own.
func callOf(e event.Event) event.ID {
	id := e.ID
	id.Revision = 0
	return id
}

// schedule says which of the events in hand is delivered next: those of one
// call one after the other, in the order of the stream, and of what may be
// delivered the oldest, so that none is left behind. It is pure: it has no
// clock and does nothing else. It is not safe for concurrent use.
type schedule struct {
	// items are in the order of the stream. A settled one stands for those
	// beside it that are settled too, so there are never two in a row, and at
	// most one more than twice the items that are not settled. Should an item
	// come between two that were put together, the place moves later than it
	// could, and no harm is done.
	items    []*item
	busy     map[event.ID]struct{} // calls with an event under way
	underWay int
	ahead    int // items that are settled while an older one is not
}

func newSchedule() *schedule { return &schedule{busy: map[event.ID]struct{}{}} }

func (s *schedule) search(sequence uint64) (int, bool) {
	return slices.BinarySearchFunc(s.items, sequence, func(i *item, n uint64) int {
		switch {
		case i.sequence < n:
			return -1
		case i.sequence > n:
			return 1
		}
		return 0
	})
}

// find returns the item with a sequence that is not settled, nil if there is
// none.
func (s *schedule) find(sequence uint64) *item {
	if n, found := s.search(sequence); found && s.items[n].state != itemSettled {
		return s.items[n]
	}
	return nil
}

// add takes in an item to be delivered. No item that is not settled may have
// its sequence.
func (s *schedule) add(i *item) {
	i.state = itemWaiting
	s.insert(i)
}

// pass takes in an item that is settled as it comes; id is none where it is not
// ours.
func (s *schedule) pass(sequence uint64, stored time.Time, id event.ID) {
	if _, found := s.search(sequence); found {
		return // it was settled before, and comes again
	}
	i := &item{sequence: sequence, stored: stored, event: event.Event{ID: id}}
	s.insert(i)
	s.settle(i)
}

func (s *schedule) insert(i *item) {
	n, found := s.search(i.sequence)
	if found { // a settled one, whose sequence the stream has used again
		s.ahead -= s.items[n].settled
		s.items[n] = i
		return
	}
	s.items = slices.Insert(s.items, n, i)
}

// next takes the item that is to be delivered next, nil if none may be: bound is
// how many may be under way at once. Where first waits, it is one of its call.
// While so many as limit are settled ahead of the oldest that is not, only the
// oldest may be delivered.
func (s *schedule) next(bound, limit int, first *item) *item {
	if s.underWay >= bound {
		return nil
	}
	wanted := func(*item) bool { return true }
	if first != nil && first.state == itemWaiting {
		call := callOf(first.event)
		wanted = func(i *item) bool { return callOf(i.event) == call }
		limit = s.ahead + 1 // it was under way before, so it may be again
	}
	i := s.oldest(limit, wanted)
	if i == nil {
		return nil
	}
	i.state = itemUnderWay
	s.busy[callOf(i.event)] = struct{}{}
	s.underWay++
	return i
}

// oldest returns the oldest item that may be delivered and is wanted.
func (s *schedule) oldest(limit int, wanted func(*item) bool) *item {
	for _, i := range s.items {
		if i.state == itemWaiting && wanted(i) {
			if _, busy := s.busy[callOf(i.event)]; !busy {
				return i
			}
		}
		if i.state != itemSettled && s.ahead >= limit {
			return nil
		}
	}
	return nil
}

// back takes back an item that was not settled: it waits at its old place.
func (s *schedule) back(i *item) {
	s.release(i)
	i.state = itemWaiting
}

func (s *schedule) release(i *item) {
	if i.state == itemUnderWay {
		s.underWay--
		delete(s.busy, callOf(i.event))
	}
}

// settle ends an item.
func (s *schedule) settle(i *item) {
	s.release(i)
	i.state, i.event, i.settled = itemSettled, event.Event{ID: i.event.ID}, 1
	i.message.Store(nil)
	s.ahead++
	n, _ := s.search(i.sequence)
	if n+1 < len(s.items) && s.items[n+1].state == itemSettled {
		s.items[n+1].join(i)
		s.items = slices.Delete(s.items, n, n+1)
	}
	if n > 0 && s.items[n-1].state == itemSettled {
		s.items[n].join(s.items[n-1])
		s.items = slices.Delete(s.items, n-1, n)
	}
}

// join has a settled item stand for a settled one before it.
func (i *item) join(before *item) {
	i.settled += before.settled
	if i.event.ID == (event.ID{}) {
		i.event.ID = before.event.ID
	}
}

// trim takes away what is settled before the oldest item that is not, and
// returns the last of it, nil for none.
func (s *schedule) trim() *item {
	if len(s.items) == 0 || s.items[0].state != itemSettled {
		return nil
	}
	last := s.items[0]
	s.ahead -= last.settled
	s.items = slices.Delete(s.items, 0, 1)
	return last
}

// unsettled calls each with the items that are not settled, in order.
func (s *schedule) unsettled(each func(*item)) {
	for _, i := range s.items {
		if i.state != itemSettled {
			each(i)
		}
	}
}

// waiting counts the items from first to last that wait.
func (s *schedule) waiting(first, last uint64) int {
	n := 0
	for _, i := range s.items {
		if i.state == itemWaiting && i.sequence >= first && i.sequence <= last {
			n++
		}
	}
	return n
}
