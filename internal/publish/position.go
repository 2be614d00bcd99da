package publish

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// position is where the relay is in the stream.
type position struct {
	Stream  string    `json:"stream"`
	Created time.Time `json:"created"` // of the stream: a new one counts from 1 again
	// Behind this sequence lies all that the stream may hold of what waits.
	Behind uint64 `json:"behind"`
	// Where the newest event is that was relayed: if it is not there, the stream
	// has lost it.
	at
	// From is the sequence in the outbox after which events go to this stream;
	// those before went to one of another name. All of them lie behind Origin.
	From   uint64 `json:"from,omitempty"`
	Origin uint64 `json:"origin,omitempty"`
	// Left is up to where, in the outbox, events are known to have left the stream
	// at its front.
	Left uint64 `json:"left,omitempty"`
	// Marks say now and then where the relay was, the oldest first.
	Marks []passed `json:"marks,omitempty"`
	// Filled are events that were published again behind newer ones.
	Filled []event.ID `json:"filled,omitempty"`
}

// at is a place in the stream.
type at struct {
	Seq uint64 `json:"seq"`
	// ID is of the event of ours that is stored there, empty where none is.
	ID string `json:"id,omitempty"`
}

// passed says that the events of the outbox behind Out are behind Seq in the stream,
// and those up to it are not, but for such as were published again.
type passed struct {
	Out uint64 `json:"out"`
	Seq uint64 `json:"seq"`
}

// maxMarks bounds the marks: two days of them.
const maxMarks = 48

// before returns a place in the stream behind which an event of the outbox is.
func (p position) before(out uint64) uint64 {
	seq := p.Origin
	for _, m := range p.Marks {
		if m.Out < out {
			seq = max(seq, m.Seq)
		}
	}
	return seq
}

// marked returns the marks with one more.
func (p position) marked(out, seq uint64) []passed {
	marks := append(slices.Clone(p.Marks), passed{out, seq})
	return marks[max(0, len(marks)-maxMarks):]
}

func (p position) encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings, a time of the server and numbers
	}
	return b
}

func decodePosition(note []byte) (position, error) {
	var p position
	if len(note) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(note, &p); err != nil {
		return p, fmt.Errorf("the relay's position: %w", err)
	}
	return p, nil
}
