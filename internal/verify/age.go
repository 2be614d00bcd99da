package verify

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// clockSkew is how much the server's clock may differ from ours.
const clockSkew = time.Minute

// mayHaveAged says whether events that were observed from a time on may have left
// the stream at its front; a zero time is not known. See the package doc.
func mayHaveAged(info *jetstream.StreamInfo, since, now time.Time) bool {
	front := info.State.FirstTime // of its first message, zero in an empty stream
	switch {
	case info.State.FirstSeq > 1 && (front.IsZero() || front.Unix() <= 0):
		return true
	case info.State.FirstSeq > 1:
		// An event is published after it was observed: one that was observed after
		// what is at the front now was stored behind it.
		return !since.After(front.Add(clockSkew))
	}
	// What was in another stream before this one was made would have aged by now.
	made, keeps := info.Created, info.Config.MaxAge
	return keeps > 0 && !since.After(made) && now.Sub(made) > keeps
}

// early says whether events that were observed from a time on are too young to
// have left the stream by any of its limits.
func early(info *jetstream.StreamInfo, since, now time.Time) bool {
	c := info.Config
	return c.MaxMsgs <= 0 && c.MaxBytes <= 0 && c.MaxMsgsPerSubject <= 0 &&
		(c.MaxAge <= 0 || now.Sub(since) < c.MaxAge)
}
