package publish

import (
	"context"
	"errors"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// A Sink delivers events to one endpoint. Its verdict on an event is its
// error: nil (delivered), [Permanent] (this event will never be taken: park
// it), or any other error (the endpoint is ill: try again later, and deliver
// nothing else until then). [RetryAfter] says how long to wait first.
type Sink interface {
	// Name names the sink in logs and in the consumer's durable name; it is
	// lower case and never changes.
	Name() string
	// Deliver delivers one event, at least once. Where the sink's Delivery has
	// several events under way, it is called from several goroutines, but with
	// one event of a call at a time.
	Deliver(ctx context.Context, e event.Event) error
}

// Permanent marks an error as final for its event.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// IsPermanent says whether an error is final for its event.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// RetryAfter marks an error as passing, with the time the endpoint asks for.
func RetryAfter(err error, wait time.Duration) error { return &retryError{err, wait} }

type retryError struct {
	error
	wait time.Duration
}

func (e *retryError) Unwrap() error { return e.error }

// RetryWait returns the wait that the error asks for, 0 for none.
func RetryWait(err error) time.Duration {
	var r *retryError
	if errors.As(err, &r) {
		return r.wait
	}
	return 0
}
