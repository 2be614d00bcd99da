package fetch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

// When a batch was found stays, however often it is found again: for one that
// was never read it is all that tells how long that has been so.
func TestStatusSaysWhenABatchWasFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(map[string]string{"a": list("1"), "b": list("2")})
		p.errs["b"] = &syllable.StatusError{Op: "x", Code: 500}
		later := p.batches[1:]
		p.batches = p.batches[:1]
		begun := time.Now()
		poller := run(t, p, newTaker(), nil)
		pass(30 * time.Second)
		p.set(func() { p.batches = append(p.batches, later...) })
		pass(10 * time.Minute)
		s := poller.Status()
		if a := s.Batches["a"]; !a.Found.Equal(begun) || a.LastPoll.IsZero() {
			t.Errorf("the first was found at %s, read at %s; want %s", a.Found, a.LastPoll, begun)
		}
		b := s.Batches["b"]
		if after := b.Found.Sub(begun); after < 30*time.Second || after > 2*time.Minute {
			t.Errorf("the second was found after %s, want about a minute", after)
		}
		if b.State != fetch.StateDiscovered || !b.LastPoll.IsZero() || b.Failures == 0 || b.LastError == "" {
			t.Errorf("the second: %+v", b)
		}
	})
}
