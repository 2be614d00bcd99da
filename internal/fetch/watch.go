package fetch

import (
	"time"

	"github.com/zeebo/xxh3"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// watch is what the poller knows of a batch.
type watch struct {
	id     string
	found  time.Time // by this process
	pace   pace
	batch  syllable.Batch // as the platform says of it
	looked time.Time      // when it said so
	gone   bool           // the platform does not know it
	warned bool           // of reference ids that occur twice
	spent  Spent
	mind   *mind
}

// mind is what is known of the calls of a batch. It belongs to the job under
// way, and between two jobs to the loop.
type mind struct {
	held    Held
	changed time.Time // when a poll showed a change last, or the first poll

	// Of the newest whole list that was taken in this process.
	lists   int          // how many were; 0 also when the taker failed since
	asked   time.Time    // when it was asked for
	sent    time.Time    // when a body came last, and not only that it is the same
	twice   bool         // it has reference ids more than once
	size    int64        // of its body, in bytes
	count   int          // of its results
	taken   xxh3.Uint128 // its fingerprint
	version syllable.Version
	whole   bool // the taker holds just this list: no other changed anything since

	flow flow
	// drift is how many calls more the platform counts than it listed.
	drift  counts
	doubt  counts          // what it counts beyond what is held, after the newest poll
	fewer  bool            // it counted fewer calls than are held
	coarse map[string]bool // of these statuses its counts by channel_manager_status do not fit its lists
	// unfiltered is until when no parts are asked for: the platform does not
	// take the filters.
	unfiltered time.Time
	owed       bool // its counts say that something changed, and no list showed it
}

// job is one poll of a batch: what it needs of the watch, and what it learns.
type job struct {
	id     string
	batch  syllable.Batch
	looked time.Time
	spent  Spent // by this poll
	mind   *mind

	counted    bool // the batch's details were asked for, and count its calls
	duplicates int
	partial    bool
}

func (w *watch) job() *job {
	return &job{id: w.id, batch: w.batch, looked: w.looked, mind: w.mind}
}

func (s *Spent) add(o Spent) {
	s.Requests += o.Requests
	s.Bytes += o.Bytes
}

// learn takes in what is held after something was taken.
func (m *mind) learn(h Held, at time.Time) {
	if m.changed.IsZero() || h.Events != m.held.Events {
		m.changed = at
	}
	m.held = h
}

// remembered fills in what is held at the start of a process, so that a batch
// that has been quiet for long goes on as such.
func (m *mind) remembered(h Held) {
	m.held = h
	if m.changed.IsZero() {
		m.changed = h.Changed
	}
	if m.changed.IsZero() { // it had no event yet: what was there at the start
		m.changed = h.Polled
	}
}
