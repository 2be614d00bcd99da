package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/event"
)

// FuzzDecodeCall decodes anything: what is taken for a call is written again as
// the same call, and what is not is damage.
func FuzzDecodeCall(f *testing.F) {
	failed := "FAILED"
	var full Call
	full.Request, full.Insights, full.Revision, full.Removed, full.Size = &failed, new(string), 300, true, 812
	f.Add(encodeCall(full))
	f.Add(encodeCall(Call{}))
	f.Add([]byte{})
	f.Add([]byte("\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCall(b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("error %v, want that it is damaged", err)
			}
			return
		}
		again, err := decodeCall(encodeCall(c))
		if d := cmp.Diff(c, again); d != "" || err != nil {
			t.Errorf("written again (-want +got), error %v:\n%s", err, d)
		}
	})
}

// FuzzDecodeEvent does the same for events, which the outbox and the parked ones
// keep.
func FuzzDecodeEvent(f *testing.F) {
	f.Add(encodeEvent(event.Event{
		ID:   event.ID{Store: "s", Batch: "b", Reference: "r", Revision: 1},
		Name: "request.failed", Source: "x", Time: time.Unix(0, 0).UTC(), Data: []byte("{}"),
	}))
	f.Add([]byte{})
	f.Add([]byte("\x02{}rest"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEvent(b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("error %v, want that it is damaged", err)
			}
			return
		}
		again, err := decodeEvent(encodeEvent(e))
		if d := cmp.Diff(e, again); d != "" || err != nil {
			t.Errorf("written again (-want +got), error %v:\n%s", err, d)
		}
	})
}
