package publish

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// placeInterval is how often the place of a sink is kept at most while events
// are delivered. What was settled since then is all that a sink gets again
// when its consumer is deleted and the process is killed.
const placeInterval = time.Minute

// Places keeps, across restarts, where the consumers of the sinks start.
type Places interface {
	// Place returns what was kept for the sink, nil if nothing was.
	Place(sink string) ([]byte, error)
	// PutPlace replaces it.
	PutPlace(sink string, place []byte) error
}

// place is where a consumer starts if it has to be made: of the stream before
// Next, all has been settled. Of what is behind, some may be, too, where several
// events are delivered at once.
type place struct {
	Stream  string    `json:"stream"`
	Created time.Time `json:"created"` // of the stream: a new one counts from 1 again
	// Next is a sequence in the stream, 0 for that of the first message stored
	// at the time of Stored or later: nothing was settled yet.
	Next uint64 `json:"next"`
	// Stored is when the message before Next was stored, by the server's
	// clock. It counts where the stream has lost its end, and uses sequences
	// again.
	Stored time.Time `json:"stored"`
	// ID is of the newest event of ours that was settled with all before it. Filled
	// is that of a time when the stream had lost events: it is being filled again
	// since, and those up to this one were settled already.
	ID     string `json:"id,omitempty"`
	Filled string `json:"filled,omitempty"`
	// Begun is from when on a sink wants events that never was there before, zero
	// where that is all that comes. Remade says that the stream was made again since,
	// with nothing settled: it may be filled with what is older.
	Begun  time.Time `json:"begun"`
	Remade bool      `json:"remade,omitempty"`
}

// consumer sets where a consumer of a stream that ends at last begins.
func (p place) consumer(c *jetstream.ConsumerConfig, last uint64) {
	if p.Next == 0 || p.Next > last+1 {
		// Where it is higher, a power cut or an old copy took the end away. What
		// has come since may have sequences that were settled once, but is
		// younger.
		c.DeliverPolicy, c.OptStartTime = jetstream.DeliverByStartTimePolicy, &p.Stored
		return
	}
	c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, p.Next
}

// skips says whether a consumer that has delivered nothing yet begins behind
// what it should deliver first: it was made for a stream that is not this one.
func (p place) skips(c *jetstream.ConsumerInfo, last uint64) bool {
	return c.Delivered.Consumer == 0 &&
		c.Config.DeliverPolicy == jetstream.DeliverByStartSequencePolicy &&
		c.Config.OptStartSeq > min(p.Next, last+1)
}

// keeper keeps the place of one sink. While the consumer exists its own position
// counts, and the place only follows it.
type keeper struct {
	places Places
	sink   string
	stream string
	since  time.Time     // where a new sink starts; zero for what comes next
	newest func() string // DeliveryOptions.Newest
	log    *slog.Logger

	mu    sync.Mutex
	at    place
	kept  place     // what places has
	tried time.Time // when it was last written
}

// locate returns the place in a stream; that it is one in this stream is kept by
// then. It is called before anything is published, and before each look at the
// consumer.
func (k *keeper) locate(info *jetstream.StreamInfo) (place, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at.Stream == "" {
		if err := k.load(); err != nil {
			return place{}, err
		}
	}
	now, created := k.at, info.Created.UTC()
	switch {
	case now.Stream == "" && !k.since.IsZero():
		now = place{Stream: k.stream, Created: created, Stored: k.since.UTC(), Begun: k.since.UTC()}
		if !k.since.After(created) {
			now.Next, now.Stored = 1, time.Time{} // all that it holds
		}
	case now.Stream != k.stream:
		// A new sink, or one whose stream was never used before: what comes
		// next. It should not repeat the week that others have filled.
		now = place{
			Stream: k.stream, Created: created, Next: info.State.LastSeq + 1, Stored: info.State.LastTime.UTC(),
			ID: k.newest(),
		}
	case !now.Created.Equal(created):
		// Made again: all that it holds came after what we know, or is what was
		// published again.
		now = place{
			Stream: k.stream, Created: created, Next: 1, ID: now.ID, Filled: now.ID, Begun: now.Begun, Remade: now.ID == "",
		}
	case now.Next > info.State.LastSeq+1:
		now.Filled = now.ID // it has lost its end
	}
	// Until it is kept nothing may be published: a crash here leaves the place
	// of before, or none, and nothing that lies between.
	if now != k.at {
		if err := k.put(now); err != nil {
			return place{}, err
		}
	}
	if k.at.Stream == k.stream && !k.at.Created.Equal(created) {
		k.log.Warn("the stream was made again; the sink begins at its start", "stream", k.stream, "created", created)
	}
	k.at = now
	return now, nil
}

func (k *keeper) load() error {
	b, err := k.places.Place(k.sink)
	if err != nil || b == nil {
		return err
	}
	if err := json.Unmarshal(b, &k.at); err != nil {
		return fmt.Errorf("place of sink %s: %w", k.sink, err)
	}
	k.kept = k.at
	return nil
}

// put keeps a place, unless it is the one that is kept.
func (k *keeper) put(p place) error {
	if p == k.kept {
		return nil
	}
	k.tried = time.Now()
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("place of sink %s: %w", k.sink, err)
	}
	if err := k.places.PutPlace(k.sink, b); err != nil {
		return err
	}
	k.kept = p
	return nil
}

// passed moves the place behind a message before and with which all is settled,
// and keeps it now and then: sequence and stored are the message's. It says false
// where the message is of another stream than the place, which then stays:
// created is when the stream was made.
// id is the event's, empty where it is none of ours.
func (k *keeper) passed(created time.Time, sequence uint64, stored time.Time, id string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.at.Created.Equal(created) {
		return false, nil
	}
	// Not only forwards: where the end was lost, sequences come again.
	k.at.Next, k.at.Stored = sequence+1, stored.UTC()
	if id != "" {
		k.at.ID, k.at.Remade = id, false
	}
	if time.Since(k.tried) < placeInterval {
		return true, nil
	}
	return true, k.put(k.at)
}

// before returns when the sink began, where that counts; else zero.
func (k *keeper) before() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.at.Remade {
		return time.Time{}
	}
	return k.at.Begun
}

// filled returns place.Filled.
func (k *keeper) filled() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.at.Filled
}

// keep writes the place down as it is: at the end, and before a consumer is made
// from it. One that began behind the place which is kept would look, after a
// crash, as if it skipped events.
func (k *keeper) keep() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.put(k.at)
}
