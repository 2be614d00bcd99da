package publish

import "github.com/syllable-notifier/notifier/event"

// recentEvents is how many events are remembered after they were delivered.
const recentEvents = 4096

// recent remembers the events that were delivered last, so that one which comes
// again because its acknowledgement was lost, or because the server has
// forgotten it in a crash of its own, is acknowledged and not delivered twice.
type recent struct {
	known map[event.ID]struct{}
	ring  []event.ID
	next  int // where the oldest is, once the ring is full
}

func newRecent() *recent { return &recent{known: map[event.ID]struct{}{}} }

func (r *recent) has(id event.ID) bool {
	_, known := r.known[id]
	return known
}

func (r *recent) add(id event.ID) {
	if r.has(id) {
		return
	}
	r.known[id] = struct{}{}
	if len(r.ring) < recentEvents {
		r.ring = append(r.ring, id)
		return
	}
	delete(r.known, r.ring[r.next])
	r.ring[r.next] = id
	r.next = (r.next + 1) % recentEvents
}
