package publish_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// remembered is a stream in memory. Whoever looks at it or changes it holds mu.
type remembered struct {
	mu      sync.Mutex
	created time.Time
	ids     []string
	opened  int
	read    int
	known   map[string]bool // ids that it does not take
}

func (r *remembered) Open(context.Context) (publish.StreamInfo, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened++
	last := uint64(len(r.ids))
	return publish.StreamInfo{Name: streamName, Created: r.created, First: 1, Last: last, Limit: 1 << 20, Batch: 10}, nil
}

func (r *remembered) Read(_ context.Context, after, last uint64, each func(publish.Stored)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if after == 0 {
		r.read++
	}
	for n := after + 1; n <= last; n++ {
		each(publish.Stored{Sequence: n, ID: r.ids[n-1]})
	}
	return nil
}

func (r *remembered) Publish(_ context.Context, messages []event.Message) (publish.Ack, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := len(r.ids) + 1
	for _, m := range messages {
		if id := m.Header[event.HeaderID][0]; !r.known[id] {
			r.ids = append(r.ids, id)
		}
	}
	if len(r.ids) < first {
		return publish.Ack{}, nil
	}
	return publish.Ack{First: uint64(first), Last: uint64(len(r.ids)), New: len(r.ids) - first + 1}, nil
}

func (r *remembered) with(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// While no event comes, the stream is looked at each minute, and compared with what
// is kept each hour: one that is deleted meanwhile is filled again.
func TestRelayLooksAtAQuietStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &remembered{created: time.Now()}
		o := newOutbox()
		o.add(events(t, 3)...)
		r, err := publish.NewRelay(publish.RelayOptions{
			Outbox: o, Store: storeID, Wake: o.wake, Stream: s, Prefix: prefix, Log: quiet,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx, ctx) }()
		time.Sleep(time.Second)
		synctest.Wait()
		s.with(func() { s.opened, s.read = 0, 0 })
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		s.with(func() {
			if s.opened < 180 || s.opened > 200 || s.read != 3 {
				t.Errorf("looked at %d times and read %d times in three hours", s.opened, s.read)
			}
			s.created, s.ids = time.Now(), nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		// Asked for, a comparison is made at once.
		var lost string
		s.with(func() {
			if len(s.ids) != 3 {
				t.Errorf("the stream has %d events a minute after it was deleted, want 3", len(s.ids))
			}
			lost, s.ids[1] = s.ids[1], "another.1.2.3"
		})
		n, err := r.Recheck(t.Context())
		s.with(func() {
			if n != 1 || err != nil || s.ids[3] != lost {
				t.Errorf("%d events were published again, error %v", n, err)
			}
			// The server remembers an id although it has lost the message.
			s.known, s.ids[2] = map[string]bool{s.ids[2]: true}, "one.more.2.3"
		})
		if late := r.Late(); len(late) != 1 || late[0].String() != lost {
			t.Errorf("late %v, want %s", late, lost)
		}
		n, err = r.Recheck(t.Context())
		s.with(func() {
			if n != 0 || err != nil || len(s.ids) != 4 {
				t.Errorf("%d events were published again, error %v: %v", n, err, s.ids)
			}
			s.known = nil
		})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		s.with(func() {
			if len(s.ids) != 5 {
				t.Errorf("%v: it was not tried again", s.ids)
			}
		})
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
