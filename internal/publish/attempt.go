package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// result is what became of an item that was handed out.
type result struct {
	item *item
	// again says that the sink took it before, and was not asked.
	again bool
	// done says that the sink took it, now or before, or that it is parked;
	// else err is why not.
	done bool
	err  error // where done, that it is not acknowledged
}

// dispatch hands out all that may be delivered now.
func (s *session) dispatch(hard context.Context) {
	if s.ending || !s.recovery.complete {
		return
	}
	for {
		bound := s.breaker.bound(time.Now(), s.o.Concurrent)
		// What is settled ahead of the oldest would come again with it, should
		// the consumer be lost: no more of it than is remembered.
		i := s.schedule.next(bound, recentEvents-s.o.window(), s.breaker.failed)
		if i == nil {
			return
		}
		again := s.recent.has(i.event.ID)
		if !again {
			s.breaker.started()
		}
		go func() { s.results <- s.attempt(hard, i, again) }()
	}
}

// attempt has one event delivered or parked, unless it was before, and
// acknowledges it.
func (d *Delivery) attempt(ctx context.Context, i *item, again bool) result {
	r := result{item: i, again: again, done: again}
	if !again {
		r.err = d.deliver(ctx, i)
		r.done = r.err == nil
	}
	if !r.done {
		return r
	}
	// A crash here delivers the event again after a restart, with the same id.
	// The call's next event is held back until this one is settled.
	m := i.message.Load()
	if m == nil {
		r.err = errLostEnd
		return r
	}
	if err := (*m).DoubleAck(ctx); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		r.err = fmt.Errorf("acknowledge %s: %w", i.event.ID.Redacted(), err)
	}
	return r
}

// deliver returns nil when an event is delivered or parked.
func (d *Delivery) deliver(ctx context.Context, i *item) error {
	within, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	err := d.o.Sink.Deliver(within, i.event)
	if !IsPermanent(err) {
		return err
	}
	d.o.Log.Error("event parked: it can never be delivered", "id", i.event.ID.Redacted(), "error", err)
	// A crash between this and the acknowledgement parks it twice.
	return d.o.Park(d.o.Sink.Name(), err.Error(), i.event)
}

// finished takes back what was handed out.
func (s *session) finished(r result) {
	if !r.done {
		s.schedule.back(r.item)
		s.failed(r)
		return
	}
	s.recent.add(r.item.event.ID)
	if !r.again && s.breaker.succeeded() {
		s.trouble.over()
	}
	if r.err != nil {
		s.schedule.back(r.item)
		s.end(r.err)
		return
	}
	s.schedule.settle(r.item)
	s.moved()
}

// failed pauses the endpoint, all of it, because of an event that it did not
// take.
func (s *session) failed(r result) {
	switch {
	case s.damaged(r.err):
		s.end(r.err)
		s.err = r.err // whatever it ended for before
	case s.ending:
		// Maybe for want of time.
	case s.breaker.counts():
		s.breaker.trip(r.item, time.Now().Add(s.trouble.failed(r.err)))
	default:
		s.breaker.extend(time.Now().Add(RetryWait(r.err)))
	}
}
