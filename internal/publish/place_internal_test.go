package publish

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// onePlace keeps the place of one sink, and counts how often.
type onePlace struct {
	kept   []byte
	writes int
}

func (o *onePlace) Place(string) ([]byte, error) { return o.kept, nil }

func (o *onePlace) PutPlace(_ string, place []byte) error {
	o.kept = place
	o.writes++
	return nil
}

func newKeeper(o *onePlace, stream string) *keeper {
	return &keeper{
		places: o, sink: "test", stream: stream, newest: DeliveryOptions{}.newest, log: slog.New(slog.DiscardHandler),
	}
}

// streamInfo is what a server says of a stream that was made at a time.
func streamInfo(created time.Time, last uint64) *jetstream.StreamInfo {
	return &jetstream.StreamInfo{Created: created, State: jetstream.StreamState{LastSeq: last}}
}

func locate(t *testing.T, k *keeper, info *jetstream.StreamInfo) uint64 {
	t.Helper()
	at, err := k.locate(info)
	if err != nil {
		t.Fatal(err)
	}
	return at.Next
}

func pass(t *testing.T, k *keeper, created time.Time, seq uint64) bool {
	t.Helper()
	same, err := k.passed(created, seq, time.Now(), "")
	if err != nil {
		t.Fatal(err)
	}
	return same
}

// A place follows the events without a write for each, and without falling
// behind by more than a minute.
func TestPlaceIsKeptOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, made := &onePlace{}, time.Now()
		k := newKeeper(o, "A")
		locate(t, k, streamInfo(made, 0))
		for n := range uint64(600) {
			time.Sleep(time.Second)
			pass(t, k, made, n+1)
		}
		if o.writes < 10 || o.writes > 12 {
			t.Errorf("%d writes in ten minutes, want one a minute", o.writes)
		}
		if at := locate(t, newKeeper(o, "A"), streamInfo(made, 600)); at < 540 || at > 601 {
			t.Errorf("after a kill it starts with %d of 600, want at most a minute again", at)
		}
		if err := k.keep(); err != nil {
			t.Fatal(err)
		}
		if at := locate(t, newKeeper(o, "A"), streamInfo(made, 600)); at != 601 {
			t.Errorf("after a stop it starts with %d, want 601", at)
		}
	})
}

func TestPlaceInAnotherStream(t *testing.T) {
	t.Parallel()
	o := &onePlace{}
	first := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	second := first.Add(time.Hour)
	k := newKeeper(o, "A")
	if at := locate(t, k, streamInfo(first, 20)); at != 21 {
		t.Errorf("a new sink starts with %d, want 21", at)
	}
	if at := locate(t, k, streamInfo(first, 30)); at != 21 {
		t.Errorf("it starts with %d after more was published, want 21", at)
	}
	if at := locate(t, k, streamInfo(second, 50)); at != 1 {
		t.Errorf("it starts with %d in the stream made again, want 1", at)
	}
	if pass(t, k, first, 40) {
		t.Error("what was settled of the stream of before counts for the new one")
	}
	if at := locate(t, k, streamInfo(second, 50)); at != 1 {
		t.Errorf("it starts with %d after that, want 1", at)
	}
	if !pass(t, k, second, 3) {
		t.Error("what was settled does not count")
	}
	if at := locate(t, newKeeper(o, "B"), streamInfo(first, 70)); at != 71 {
		t.Errorf("it starts with %d in a stream that it never used, want 71", at)
	}
}

func TestPlaceThatDoesNotDecode(t *testing.T) {
	t.Parallel()
	k := newKeeper(&onePlace{kept: []byte("x")}, "A")
	if _, err := k.locate(streamInfo(time.Now(), 1)); err == nil {
		t.Error("it was taken")
	}
}
