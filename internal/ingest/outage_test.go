package ingest_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/store"
)

// TestFault33WeekWithoutTheStream lets a week go by in which nobody takes events.
// Polling pauses once too many wait, and goes on by itself when they are gone; in
// the end every call is told as it ended.
func TestFault33WeekWithoutTheStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit = 1000
		d := newDay(t, 500)
		dir := t.TempDir()
		st, err := store.Open(filepath.Join(dir, "notifier.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		waiting := func() uint64 {
			t.Helper()
			n, err := st.Pending()
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		stop := d.poll(t, st, dir, func() error {
			if waiting() >= limit {
				return errors.New("too many events wait")
			}
			return nil
		})
		defer stop()
		time.Sleep(24 * time.Hour)
		d.mu.Lock()
		asked := d.requests
		d.mu.Unlock()
		time.Sleep(6 * 24 * time.Hour)
		if d.mu.Lock(); d.requests != asked {
			t.Errorf("%d requests while there was no room", d.requests-asked)
		}
		d.mu.Unlock()
		n := waiting()
		// One answer more than fits may be under way.
		if n < limit || n > 2*limit {
			t.Errorf("%d events wait, want little more than %d", n, limit)
		}
		// The stream is back.
		for range 10 {
			if err := st.Relayed(n, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute)
			n += waiting()
		}
		if c := completed(t, st); c != 1 {
			t.Errorf("completed %d times", c)
		}
		d.seen(t, st) // which compares the ends
		t.Logf("%d events, of which %d waited for a week; %d requests", n, limit, asked)
	})
}
