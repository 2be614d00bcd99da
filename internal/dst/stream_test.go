package dst_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// window is how long the model remembers ids, as the stream does that we make.
const window = 2 * time.Minute

// stored is a message in the stream.
type stored struct {
	seq uint64
	id  string
	event.Message
}

// stream is a model of a JetStream stream, with all that may happen on the way to
// it. It implements publish.Stream.
type stream struct {
	w       *world
	created time.Time // zero: it has to be made
	last    uint64
	all     []stored
	seen    map[string]time.Time // ids, and when they were stored
	away    time.Time            // until when it does not answer
	starts  int                  // of its server
	opened  int                  // starts at the newest Open
	late    []late
	// told are all messages that were ever stored, those that got lost as well,
	// each where it came first.
	told  []stored
	holes bool // messages got lost from the middle
	// purged are ids that left at the front, and must not come again.
	purged map[string]bool
}

// late are messages that are on their way although whoever sent them gave up.
type late struct {
	at       time.Time
	messages []event.Message
}

var (
	errAway = errors.New("the stream does not answer")
	errLost = errors.New("no reply came")
)

func idOf(m event.Message) string { return m.Header[event.HeaderID][0] }

// reach returns an error while nobody gets through.
func (s *stream) reach() error {
	if s.w.dead {
		return errDead
	}
	s.w.delay(5 * time.Millisecond)
	s.arrive()
	if time.Now().Before(s.away) {
		return errAway
	}
	return nil
}

// arrive stores what was late and has come by now.
func (s *stream) arrive() {
	for len(s.late) > 0 && !s.late[0].at.After(time.Now()) {
		l := s.late[0]
		s.late = s.late[1:]
		if !s.created.IsZero() {
			s.w.note("late: %d messages arrive", len(l.messages))
			s.keep(l.messages, l.at)
		}
	}
}

// Open implements publish.Stream.
func (s *stream) Open(context.Context) (publish.StreamInfo, error) {
	if err := s.reach(); err != nil {
		return publish.StreamInfo{}, err
	}
	if s.created.IsZero() {
		s.created = time.Now()
	}
	s.opened = s.starts
	first := s.last + 1
	if len(s.all) > 0 {
		first = s.all[0].seq
	}
	return publish.StreamInfo{
		Name: "SYLLABLE", Created: s.created, First: first, Last: s.last, Limit: 1 << 20, Batch: s.w.odds.batch,
		Connection: uint64(s.starts),
	}, nil
}

// Read implements publish.Stream.
func (s *stream) Read(_ context.Context, after, last uint64, each func(publish.Stored)) error {
	if err := s.reach(); err != nil {
		return err
	}
	if s.w.broken == blind {
		return nil
	}
	for _, m := range s.all {
		if m.seq <= after || m.seq > last {
			continue
		}
		if s.w.chance(s.w.odds.read) {
			return errLost
		}
		each(publish.Stored{Sequence: m.seq, ID: m.id, Time: m.Header[event.HeaderTime][0]})
	}
	return nil
}

// Publish implements publish.Stream.
func (s *stream) Publish(_ context.Context, messages []event.Message) (publish.Ack, error) {
	w := s.w
	if err := errors.Join(s.reach(), w.mayDie("before publishing")); err != nil {
		return publish.Ack{}, err
	}
	switch {
	case s.created.IsZero(), s.opened != s.starts:
		return publish.Ack{}, errAway // nobody listens, or the connection was cut
	case w.chance(w.odds.refused):
		w.note("publish: refused")
		return publish.Ack{}, errLost
	case w.chance(w.odds.late):
		w.note("publish: %d messages will be late", len(messages))
		s.late = append(s.late, late{time.Now().Add(w.upTo(90 * time.Second)), messages})
		slices.SortFunc(s.late, func(a, b late) int { return a.at.Compare(b.at) })
		w.delay(10 * time.Second)
		return publish.Ack{}, errLost
	case w.chance(w.odds.partial):
		messages = messages[:w.rng.IntN(len(messages)+1)]
		w.note("publish: only %d messages are stored", len(messages))
		s.keep(messages, time.Now())
		return publish.Ack{}, errLost
	}
	ack := publish.Ack{}
	if w.broken != forgetful {
		ack = s.keep(messages, time.Now())
	}
	w.note("publish: %d messages stored up to %d", len(messages), s.last)
	if w.chance(w.odds.ack) {
		w.note("publish: the ack is lost")
		return publish.Ack{}, errLost
	}
	return ack, w.mayDie("after publishing")
}

// keep stores those messages whose ids it does not remember at a time.
func (s *stream) keep(messages []event.Message, now time.Time) (ack publish.Ack) {
	for _, m := range messages {
		id := idOf(m)
		if at, ok := s.seen[id]; ok && now.Sub(at) < window {
			continue
		}
		s.seen[id] = now
		s.last++
		one := stored{s.last, id, m}
		s.all = append(s.all, one)
		if !slices.ContainsFunc(s.told, func(t stored) bool { return t.id == id }) {
			s.told = append(s.told, one)
		}
		if ack.First == 0 {
			ack.First = s.last
		}
		ack.Last, ack.New = s.last, ack.New+1
	}
	return ack
}

// remove deletes the stream with all that it holds.
func (s *stream) remove() {
	s.created, s.last, s.all, s.late, s.told = time.Time{}, 0, nil, nil, nil
	s.seen, s.purged = map[string]time.Time{}, map[string]bool{}
}

// purge takes the oldest messages away, as age or an operator does.
func (s *stream) purge(n int) {
	n = min(n, len(s.all))
	s.all = s.all[n:]
	first := s.last + 1
	if len(s.all) > 0 {
		first = s.all[0].seq
	}
	for _, m := range s.told {
		if m.seq < first {
			s.purged[m.id] = true
		}
	}
}

// cut takes the newest messages away, and the memory of them, as a power cut does
// of a server that does not sync always.
func (s *stream) cut(n int) {
	n = min(n, len(s.all))
	for _, m := range s.all[len(s.all)-n:] {
		delete(s.seen, m.id)
		s.told = slices.DeleteFunc(s.told, func(t stored) bool { return t.id == m.id })
	}
	s.all = s.all[:len(s.all)-n]
	s.last -= uint64(n)
	s.late = nil // was with it
	s.away = time.Now().Add(time.Second)
	s.starts++
}

// hole takes a message out of the middle. The first is not of it: that it left
// looks like what age or a purge does.
func (s *stream) hole() {
	if len(s.all) < 3 {
		return
	}
	i := 1 + s.w.rng.IntN(len(s.all)-2)
	s.w.note("hole: message %d is lost", s.all[i].seq)
	s.all = slices.Delete(s.all, i, i+1) // the server remembers its id all the same
	s.holes = true
}

// whole says whether all is there that was ever stored, but for what was purged.
func (s *stream) whole() bool {
	there := map[string]bool{}
	for _, m := range s.all {
		there[m.id] = true
	}
	return !slices.ContainsFunc(s.told, func(m stored) bool { return !there[m.id] && !s.purged[m.id] })
}
