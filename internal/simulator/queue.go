package simulator

import (
	"container/heap"
	"time"
)

// queue holds what will happen, soonest first. The caller provides locking.
type queue struct {
	events eventHeap
	seq    uint64
}

// event is one scheduled transition. Nothing is ever taken out of the queue:
// an event that has become void finds that out when it runs.
type event struct {
	at  time.Time
	seq uint64 // order of scheduling, decides between equal times
	do  func(at time.Time)
}

func (q *queue) schedule(at time.Time, do func(at time.Time)) {
	q.seq++
	heap.Push(&q.events, event{at: at, seq: q.seq, do: do})
}

// runUntil runs all events up to and including now, among them those that the
// events themselves schedule. Each is told its own time, not now: what happened
// must not depend on when somebody looked.
func (q *queue) runUntil(now time.Time) {
	for len(q.events) > 0 && !q.events[0].at.After(now) {
		e := heap.Pop(&q.events).(event) //nolint:errcheck // it holds nothing else
		e.do(e.at)
	}
}

// eventHeap implements heap.Interface.
type eventHeap []event

func (h eventHeap) Len() int      { return len(h) }
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) } //nolint:errcheck // schedule pushes nothing else

func (h eventHeap) Less(i, j int) bool {
	if c := h[i].at.Compare(h[j].at); c != 0 {
		return c < 0
	}
	return h[i].seq < h[j].seq
}

func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = event{} // let go of the closure
	*h = (*h)[:last]
	return e
}
