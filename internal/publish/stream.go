package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/crashpoint"
)

// duplicateWindow is how long the stream remembers ids. It is the second belt
// only: the relay asks the stream what it holds before it sends anything again.
const duplicateWindow = 2 * time.Minute

// StreamConfig says which stream events go to.
type StreamConfig struct {
	Name     string
	Prefix   string        // of every subject; the stream takes <prefix>.>
	MaxAge   time.Duration // how long events stay
	Replicas int
	// Owned says that nobody else sets the stream up, as on the embedded
	// server: a changed MaxAge is then applied to an existing stream.
	Owned bool
}

func (c StreamConfig) stream() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               c.Name,
		Description:        "Call events of the outbound-calling platform",
		Subjects:           []string{c.Prefix + ".>"},
		Retention:          jetstream.LimitsPolicy,
		Storage:            jetstream.FileStorage,
		MaxAge:             c.MaxAge,
		Replicas:           c.Replicas,
		Duplicates:         min(duplicateWindow, c.MaxAge),
		AllowDirect:        true,
		AllowAtomicPublish: true,
	}
}

// StreamMaker sees to it that there is a stream for events. It is not safe for
// concurrent use.
type StreamMaker struct {
	js  jetstream.JetStream
	c   StreamConfig
	log *slog.Logger
	// told is the difference from the settings that was logged: it is seen
	// again after each failure, but said once.
	told difference
}

// difference is how a stream differs from the settings and is left so.
type difference struct {
	maxAge   time.Duration
	replicas int
}

// NewStreamMaker returns a StreamMaker that has not looked yet.
func NewStreamMaker(js jetstream.JetStream, c StreamConfig, log *slog.Logger) *StreamMaker {
	return &StreamMaker{js: js, c: c, log: log}
}

// Ensure creates the stream if there is none. A stream that is there is left as
// it is: what would break delivery is an error, and what merely differs is
// logged. The cached info of what it returns was just asked for.
func (m *StreamMaker) Ensure(ctx context.Context) (jetstream.Stream, error) {
	js, c, log := m.js, m.c, m.log
	s, err := js.Stream(ctx, c.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		crashpoint.Here(crashpoint.StreamCreate)
		if s, err = js.CreateStream(ctx, c.stream()); err != nil {
			return nil, fmt.Errorf("create stream %s: %w", c.Name, err)
		}
		crashpoint.Here(crashpoint.StreamCreated)
		log.Info("stream created", "stream", c.Name, "subjects", c.Prefix+".>", "max_age", c.MaxAge)
		return s, nil
	}
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return nil, fmt.Errorf("stream %s: JetStream does not answer: enable it on the server, and for this account: %w",
			c.Name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", c.Name, err)
	}
	have := s.CachedInfo().Config
	if err := c.check(have); err != nil {
		return nil, err
	}
	if have.MaxAge == c.MaxAge && have.Replicas == c.Replicas {
		m.told = difference{}
		return s, nil
	}
	if !c.Owned {
		m.tell(difference{have.MaxAge, have.Replicas})
		return s, nil
	}
	have.MaxAge, have.Duplicates = c.MaxAge, min(duplicateWindow, c.MaxAge)
	if s, err = js.UpdateStream(ctx, have); err != nil {
		return nil, fmt.Errorf("stream %s: set its age to %s: %w", c.Name, c.MaxAge, err)
	}
	log.Info("stream updated", "stream", c.Name, "max_age", c.MaxAge)
	return s, nil
}

func (m *StreamMaker) tell(d difference) {
	if d == m.told {
		return
	}
	m.told = d
	m.log.Warn("the stream differs from the settings and is left as it is", "stream", m.c.Name,
		"max_age", d.maxAge, "wanted_max_age", m.c.MaxAge, "replicas", d.replicas, "wanted_replicas", m.c.Replicas)
}

// check finds what makes an existing stream unfit for events.
func (c StreamConfig) check(have jetstream.StreamConfig) error {
	switch {
	case !slices.ContainsFunc(have.Subjects, func(s string) bool { return covers(s, c.Prefix) }):
		return fmt.Errorf("stream %s takes %q, not %s.>: set NOTIFIER_NATS_STREAM to another name, "+
			"or have the stream take it too", c.Name, have.Subjects, c.Prefix)
	case have.NoAck:
		return fmt.Errorf("stream %s does not acknowledge (no_ack): events could be lost unseen; "+
			"set NOTIFIER_NATS_STREAM to another name", c.Name)
	case have.Retention != jetstream.LimitsPolicy:
		return fmt.Errorf("stream %s drops messages once read (retention %s), so subscribers would take events "+
			"from each other; set NOTIFIER_NATS_STREAM to another name", c.Name, have.Retention)
	case have.Mirror != nil || have.Sealed:
		return fmt.Errorf("stream %s is a mirror or sealed and takes no events; "+
			"set NOTIFIER_NATS_STREAM to another name", c.Name)
	}
	return nil
}

// covers says whether a stream's subject takes all that is published: four
// tokens after the prefix, of which each may be anything.
func covers(subject, prefix string) bool {
	want := append(strings.Split(prefix, "."), "*", "*", "*", "*")
	have := strings.Split(subject, ".")
	for i, token := range have {
		switch {
		case i >= len(want):
			return false
		case token == ">": // at least one token
			return true
		case token != "*" && token != want[i]:
			return false
		}
	}
	return len(have) == len(want)
}
