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

// EnsureStream creates the stream if there is none. A stream that is there is
// left as it is: what would break delivery is an error, and what merely
// differs is logged.
func EnsureStream(ctx context.Context, js jetstream.JetStream, c StreamConfig, log *slog.Logger) (
	jetstream.Stream, error,
) {
	s, err := js.Stream(ctx, c.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if s, err = js.CreateStream(ctx, c.stream()); err != nil {
			return nil, fmt.Errorf("create stream %s: %w", c.Name, err)
		}
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
		return s, nil
	}
	if !c.Owned {
		log.Warn("the stream differs from the settings and is left as it is", "stream", c.Name,
			"max_age", have.MaxAge, "wanted_max_age", c.MaxAge, "replicas", have.Replicas, "wanted_replicas", c.Replicas)
		return s, nil
	}
	have.MaxAge, have.Duplicates = c.MaxAge, min(duplicateWindow, c.MaxAge)
	if s, err = js.UpdateStream(ctx, have); err != nil {
		return nil, fmt.Errorf("stream %s: set its age to %s: %w", c.Name, c.MaxAge, err)
	}
	log.Info("stream updated", "stream", c.Name, "max_age", c.MaxAge)
	return s, nil
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

// covers says whether a stream's subject takes all that begins with the prefix.
func covers(subject, prefix string) bool {
	want := strings.Split(prefix, ".")
	for i, token := range strings.Split(subject, ".") {
		switch {
		case token == ">":
			return true
		case i >= len(want), token != "*" && token != want[i]:
			return false
		}
	}
	return false
}
