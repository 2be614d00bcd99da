package app

import (
	"errors"
	"strings"
	"testing"
)

// Polling pauses at the limit, and goes on when a tenth of it is gone.
func TestRoom(t *testing.T) {
	t.Parallel()
	var n uint64
	var broken error
	r := &room{limit: 1000, waiting: func() (uint64, error) { return n, broken }}
	for _, step := range []struct {
		waiting uint64
		ok      bool
	}{
		{0, true}, {999, true}, {1000, false}, {999, false}, {900, false}, {899, true}, {999, true}, {2000, false}, {0, true},
	} {
		n = step.waiting
		err := r.check()
		if (err == nil) != step.ok {
			t.Errorf("%d wait: %v", n, err)
		}
		if err != nil && !strings.Contains(err.Error(), "NOTIFIER_OUTBOX_LIMIT") {
			t.Errorf("%v does not say what to do", err)
		}
	}
	broken = errors.New("broken")
	if err := r.check(); !errors.Is(err, broken) {
		t.Errorf("%v, want that the state cannot be read", err)
	}
}
