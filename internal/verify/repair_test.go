package verify_test

import (
	"context"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/verify"
)

// What an audit finds missing is published again where somebody can, and that it
// is late then is no problem, but for whoever does not know of it.
func TestFault40VerifyRepairs(t *testing.T) {
	t.Parallel()
	w := told(t)
	lost := w.message(".r1.4")
	w.lose(".r1.4")
	newest := w.message(".r%2E2.5")
	w.lose(".r%2E2.5") // before batch.completed, and then behind it
	o := w.options()
	o.Interval = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	o.Repair = func(_ context.Context, ids []event.ID) (int, error) {
		if asked++; len(ids) != 2 || ids[0].Reference != "r.2" || ids[1].Revision != 4 {
			t.Errorf("asked for %v", ids)
		}
		w.again(lost)
		w.again(newest)
		return 2, nil
	}
	v := verify.New(o)
	done := make(chan struct{})
	go func() { defer close(done); v.Run(ctx) }()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-ticker.C {
		if m, ok := v.Mark(batch); ok && m.Problems == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not repaired")
		}
	}
	cancel()
	<-done
	r, err := v.Verify(t.Context(), batch, func(uint64, uint64) {})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r)
	want := counts()
	want.Repaired = 2
	expectCounts(t, want, r)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	expect(t, w.verify(),
		`call "r1" of batch "20260822.9", revision 4 (message 19): it comes after revision 7: out of order`,
		`call "r.2" of batch "20260822.9", revision 5 (message 20): it comes after batch.completed`,
		`batch "20260822.9", revision 3 (message 18): the manifest has 14 events, the stream 13`)
}
