package publish

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// placeInterval is how often a place is kept while events are delivered. Should
// a consumer be deleted and the daemon be killed, at most so much is delivered
// again.
const placeInterval = time.Minute

// place is where in a stream the consumer starts if it has to be made.
type place struct {
	Stream  string    `json:"stream"`
	Created time.Time `json:"created"` // of the stream: a new one counts from 1 again
	Next    uint64    `json:"next"`    // sequence in the stream
}

// settlePlace makes the place one in the stream that there is now. It is kept
// before it counts, so that it is the same after a restart, however long the
// consumer could not be made.
func (d *Delivery) settlePlace(info *jetstream.StreamInfo) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.place
	if d.saved.IsZero() {
		note, err := d.o.Places.Place(d.o.Sink.Name())
		if err != nil {
			return err
		}
		if len(note) > 0 {
			if err := json.Unmarshal(note, &now); err != nil {
				return fmt.Errorf("its place in the stream: %w", err)
			}
		}
	}
	name, created := info.Config.Name, info.Created.UTC()
	switch {
	case now.Stream != name:
		now = place{Stream: name, Created: created, Next: info.State.LastSeq + 1}
	case !now.Created.Equal(created):
		// Made again: all that it holds came after what is known.
		now = place{Stream: name, Created: created, Next: 1}
	case !d.saved.IsZero():
		return nil
	}
	return d.put(now)
}

// passed moves the place behind an event that was settled, of a stream made at
// the time given.
func (d *Delivery) passed(m jetstream.Msg, created time.Time) error {
	meta, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("consumer %s: %w", d.consumerName(), err)
	}
	d.mu.Lock()
	if d.place.Created.Equal(created) {
		d.place.Next = max(d.place.Next, meta.Sequence.Stream+1)
	}
	d.mu.Unlock()
	return d.savePlace(placeInterval)
}

// savePlace keeps the place unless that was done within age.
func (d *Delivery) savePlace(age time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.saved.IsZero() || time.Since(d.saved) < age {
		return nil
	}
	return d.put(d.place)
}

// put keeps a place; the caller holds mu.
func (d *Delivery) put(now place) error {
	note, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if err := d.o.Places.PutPlace(d.o.Sink.Name(), note); err != nil {
		return err
	}
	d.place, d.saved = now, time.Now()
	return nil
}

// kindOf returns what of a subject may be logged: its end names a batch.
func kindOf(subject string) string {
	part := strings.Split(subject, ".")
	return strings.Join(part[:min(len(part), 3)], ".")
}

func sequenceOf(m jetstream.Msg) uint64 {
	meta, err := m.Metadata()
	if err != nil {
		return 0
	}
	return meta.Sequence.Stream
}
