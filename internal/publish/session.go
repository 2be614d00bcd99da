package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
)

const (
	// drainTimeout bounds how long the server is waited for to say that it has
	// sent all that it was asked for.
	drainTimeout = 2 * time.Second
	// lookTimeout bounds a look at what the server waits for.
	lookTimeout = 5 * time.Second
	// looksPerAckWait is how often the server is asked what it waits for while
	// not all of that is in our hands, and ackWaitsToGiveUp when that ends.
	looksPerAckWait  = 10
	ackWaitsToGiveUp = 3
)

var (
	errOtherStream = errors.New("the stream was made again")
	errLostEnd     = errors.New("the stream has lost its end: it uses a sequence again")
)

// session is a Delivery while its consumer lasts. One goroutine, which runs run,
// owns all of it: it hands out the events that may be delivered, to a goroutine
// each, and takes the results back. Another one reads what the server sends, as
// soon as it comes, so that nothing grows old unseen.
type session struct {
	*Delivery
	consumer jetstream.Consumer
	created  time.Time // when the stream was made
	messages jetstream.MessagesContext

	schedule *schedule
	recovery recovery
	// before is when the sink began, where the stream was filled again before it
	// had settled anything; what is older is not its own.
	before time.Time
	// settled are events that were settled before the stream was filled again.
	settled  map[event.ID]bool
	looking  bool      // a look is under way
	nextLook time.Time // while the recovery is not complete
	giveUp   time.Time // likewise

	incoming chan jetstream.Msg
	readErr  error // why incoming was closed
	results  chan result
	looks    chan look

	ending      bool
	err         error // why it ends
	stopReading context.CancelFunc
}

// look is what the server waits for, and where the stream begins.
type look struct {
	info   *jetstream.ConsumerInfo
	first  uint64
	missed int // what recovery had missed before the look
	err    error
}

// newSession has just asked for the consumer.
func newSession(
	d *Delivery, c jetstream.Consumer, created time.Time, settled map[event.ID]bool, messages jetstream.MessagesContext,
) *session {
	d.breaker.forget()
	s := &session{
		Delivery: d, consumer: c, created: created, settled: settled, before: d.keeper.before(), messages: messages,
		schedule: newSchedule(), recovery: newRecovery(c.CachedInfo()),
		incoming: make(chan jetstream.Msg), looks: make(chan look, 1),
		results: make(chan result, d.o.Concurrent),
	}
	s.recover(d.o.AckWait / looksPerAckWait)
	return s
}

// recover begins to wait for what is not in our hands, with a look after some
// time.
func (s *session) recover(wait time.Duration) {
	now := time.Now()
	s.nextLook, s.giveUp = now.Add(wait), now.Add(ackWaitsToGiveUp*s.o.AckWait)
}

// run delivers until ctx ends or something fails, and then gives back what is in
// hand.
func (s *session) run(ctx, hard context.Context) error {
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	s.stopReading = stop
	go s.read(reading)
	progress := time.NewTicker(s.o.AckWait / 3)
	defer progress.Stop()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	stopped, incoming := ctx.Done(), s.incoming
	for incoming != nil || s.schedule.underWay > 0 || s.looking {
		s.dispatch(hard)
		alarm.Reset(s.untilAlarm())
		select {
		case <-stopped:
			stopped = nil
			s.end(nil)
		case m, open := <-incoming:
			if !open {
				incoming = nil
				s.end(s.readErr)
				break
			}
			s.receive(m)
		case r := <-s.results:
			s.finished(r)
		case l := <-s.looks:
			s.looked(l)
		case <-progress.C:
			// Should it fail, the event may be delivered again while it is in
			// hand, which is noticed.
			s.held(func(m jetstream.Msg) { _ = m.InProgress() })
		case <-alarm.C:
			s.look(ctx)
		}
	}
	s.giveBack()
	return s.err
}

// read hands on what the server sends until there will be no more.
func (s *session) read(ctx context.Context) {
	defer close(s.incoming)
	for {
		m, err := s.messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			s.readErr = fmt.Errorf("consumer %s: %w", s.consumerName(), err)
			return
		}
		s.incoming <- m
	}
}

// end begins the end: nothing more is handed out. What the server has sent
// already is still read, to be given back.
func (s *session) end(err error) {
	if s.ending {
		return
	}
	s.ending, s.err = true, err
	if s.o.JetStream.Conn().Status() != nats.CONNECTED {
		s.messages.Stop()
		s.stopReading()
		return
	}
	s.messages.Drain()
	time.AfterFunc(drainTimeout, s.stopReading)
}

// giveBack returns what was not settled, in the order of the stream, so that it
// comes at once after a restart. What cannot be returned comes when the server
// has waited for it in vain.
func (s *session) giveBack() {
	s.held(func(m jetstream.Msg) { _ = m.Nak() })
}

// held calls each with what is not settled, in the order of the stream.
func (s *session) held(each func(jetstream.Msg)) {
	s.schedule.unsettled(func(i *item) {
		if m := i.message.Load(); m != nil {
			each(*m)
		}
	})
}

// receive takes in a message.
func (s *session) receive(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		s.end(fmt.Errorf("consumer %s: %w", s.consumerName(), err))
		return
	}
	if s.recovery.received(meta.Sequence.Consumer) {
		s.recover(0)
	}
	e, err := event.Decode(m.Headers(), m.Data())
	held := s.schedule.find(meta.Sequence.Stream)
	switch {
	case held != nil && (err != nil || held.event.ID != e.ID):
		s.lostEnd()
		return
	case held != nil:
		// It has come again while we have it: it is not delivered twice, and
		// acknowledged as the server knows it now.
		held.message.Store(&m)
		return
	case err != nil:
		// Not an event of ours, so nothing that could be delivered later. What
		// is wrong quotes the message, which may hold a number: it is not told.
		s.o.Log.Error("a message in the stream is not an event and is passed over",
			"stream", meta.Stream, "stream_sequence", meta.Sequence.Stream)
		err = m.TermWithReason("not an event")
		s.schedule.pass(meta.Sequence.Stream, meta.Timestamp, event.ID{})
	case !s.o.ours(e.ID):
		err = m.Ack()
		s.schedule.pass(meta.Sequence.Stream, meta.Timestamp, event.ID{})
	case s.recent.has(e.ID) || s.settled[e.ID] || e.Time.Before(s.before):
		// Should the acknowledgement be lost, it comes again, and here again.
		err = m.Ack()
		s.schedule.pass(meta.Sequence.Stream, meta.Timestamp, e.ID)
	default:
		i := &item{sequence: meta.Sequence.Stream, stored: meta.Timestamp, event: e}
		i.message.Store(&m)
		s.schedule.add(i)
	}
	if err != nil {
		s.end(fmt.Errorf("acknowledge what is not delivered: %w", err))
		return
	}
	s.moved()
}

// lostEnd ends the session because the stream holds other messages under the
// sequences of those in hand, as after a power cut of its server: to acknowledge
// ours would settle events that nobody has delivered.
func (s *session) lostEnd() {
	s.schedule.unsettled(func(i *item) { i.message.Store(nil) })
	s.end(errLostEnd)
}

// moved moves the place behind what is settled. While something may be missing,
// that may be older than all in hand.
func (s *session) moved() {
	if !s.recovery.check(s.schedule) {
		return
	}
	last := s.schedule.trim()
	if last == nil {
		return
	}
	id := ""
	if last.event.ID != (event.ID{}) && !slices.Contains(s.late(), last.event.ID) {
		id = last.event.ID.String() // one that is late says nothing of those before it
	}
	same, err := s.keeper.passed(s.created, last.sequence, last.stored, id)
	if err = s.noted(err); err != nil {
		s.end(err)
	} else if !same {
		s.end(errOtherStream)
	}
}

// untilAlarm returns when something is to be done though nothing has come.
func (s *session) untilAlarm() time.Duration {
	wait := time.Hour
	if s.ending {
		return wait
	}
	if s.breaker.tripped {
		// What lies back ended the pause already, and nothing waits for it.
		if d := time.Until(s.breaker.until); d > 0 {
			wait = d
		}
	}
	if !s.recovery.complete && !s.looking {
		wait = min(wait, max(0, time.Until(s.nextLook)))
	}
	return wait
}

// look asks the server what it waits for, if that is due.
func (s *session) look(ctx context.Context) {
	now := time.Now()
	if s.ending || s.recovery.complete || s.looking || now.Before(s.nextLook) {
		return
	}
	if now.After(s.giveUp) {
		// Better than never: whatever the server waits for, it does not come.
		s.o.Log.Warn("events that were delivered before do not come again; the sink goes on without them",
			"waiting", s.recovery.owed)
		s.recovery.complete = true
		s.moved()
		return
	}
	s.looking, s.nextLook = true, now.Add(s.o.AckWait/looksPerAckWait)
	missed := s.recovery.missed
	go func() {
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		l := s.ask(ctx)
		l.missed = missed
		s.looks <- l
	}()
}

// ask makes a look. The stream is asked last: what has aged out of it by then,
// the server may have waited for before.
func (s *session) ask(ctx context.Context) look {
	info, err := s.consumer.Info(ctx)
	if err != nil {
		return look{err: fmt.Errorf("consumer %s: %w", s.consumerName(), err)}
	}
	stream, err := s.o.JetStream.Stream(ctx, s.o.Stream)
	if err != nil {
		return look{err: fmt.Errorf("stream %s: %w", s.o.Stream, err)}
	}
	return look{info: info, first: stream.CachedInfo().State.FirstSeq}
}

func (s *session) looked(l look) {
	s.looking = false
	if l.err != nil {
		s.end(l.err)
		return
	}
	if !s.recovery.looked(l.info, l.first, l.missed) {
		s.nextLook = time.Now()
	}
	s.moved()
}
