package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
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
	// server: what differs in an existing stream is then changed.
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

// applied returns a stream's configuration with our settings in the place of its
// own, as far as a server lets them be changed. Its subjects stay.
func (c StreamConfig) applied(have jetstream.StreamConfig) jetstream.StreamConfig {
	want := c.stream()
	if have.MaxAge != want.MaxAge { // the memory of ids goes with it, and is not relied on
		have.MaxAge, have.Duplicates = want.MaxAge, want.Duplicates
	}
	have.Replicas = want.Replicas
	have.MaxMsgs, have.MaxBytes, have.MaxMsgsPerSubject, have.MaxMsgSize = -1, -1, -1, -1
	have.Discard, have.DiscardNewPerSubject = want.Discard, false
	have.NoAck, have.AllowRollup, have.SubjectTransform = false, false, nil
	have.AllowDirect, have.AllowAtomicPublish = true, true
	return have
}

// StreamMaker sees to it that there is a stream for events. It is not safe for
// concurrent use.
type StreamMaker struct {
	js  jetstream.JetStream
	c   StreamConfig
	log *slog.Logger
	// told are the differences from the settings that were logged, by name: they
	// are seen again after each failure, but said once.
	told map[string]difference
}

// NewStreamMaker returns a StreamMaker that has not looked yet.
func NewStreamMaker(js jetstream.JetStream, c StreamConfig, log *slog.Logger) *StreamMaker {
	return &StreamMaker{js: js, c: c, log: log}
}

// Ensure creates the stream if there is none. A stream that is there is left as
// it is, unless it is our own: what would lose events is an error, and what
// merely differs is logged. The cached info of what it returns was just asked
// for.
func (m *StreamMaker) Ensure(ctx context.Context) (jetstream.Stream, error) {
	before := m.js.Conn().LastError()
	s, err := m.js.Stream(ctx, m.c.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		crashpoint.Here(crashpoint.StreamCreate)
		if s, err = m.js.CreateStream(ctx, m.c.stream()); err != nil {
			return nil, fmt.Errorf("create stream %s: %w", m.c.Name, m.explain(err, before))
		}
		crashpoint.Here(crashpoint.StreamCreated)
		m.log.Info("stream created", "stream", m.c.Name, "subjects", m.c.Prefix+".>", "max_age", m.c.MaxAge)
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", m.c.Name, m.explain(err, before))
	}
	if s, err = m.apply(ctx, s); err != nil {
		return nil, err
	}
	found := m.c.differences(s.CachedInfo().Config)
	if err := m.c.unfit(found); err != nil {
		return nil, err
	}
	m.tell(found)
	return s, nil
}

// apply changes our own stream to what the settings say now, and to what this
// version knows that an older one, which made it, did not.
func (m *StreamMaker) apply(ctx context.Context, s jetstream.Stream) (jetstream.Stream, error) {
	have := s.CachedInfo().Config
	want := m.c.applied(have)
	if !m.c.Owned || reflect.DeepEqual(want, have) {
		return s, nil
	}
	s, err := m.js.UpdateStream(ctx, want)
	if err != nil {
		return nil, fmt.Errorf("stream %s: apply the settings to it: %w", m.c.Name, err)
	}
	var names []string
	for _, d := range m.c.differences(have) {
		names = append(names, d.name)
	}
	m.log.Info("stream updated", "stream", m.c.Name, "settings", strings.Join(names, ", "))
	return s, nil
}

// tell logs each difference once, and again only if it has changed or was gone.
func (m *StreamMaker) tell(found []difference) {
	told := map[string]difference{}
	for _, d := range found {
		told[d.name] = d
		if m.told[d.name] != d {
			m.log.Warn("the stream differs from the settings and is left as it is", "stream", m.c.Name,
				"setting", d.name, "wanted", d.want, "found", d.have, "costs", d.costs)
		}
	}
	m.told = told
}

// explain says what to do about an error of the JetStream API. Where a user may
// not ask it, the server stays silent and reports the refusal to the connection
// alone: before is what that had to report last.
func (m *StreamMaker) explain(err, before error) error {
	last := m.js.Conn().LastError()
	// Each report is an error of its own, so that a new one is not the old one.
	if isNew := last != before; isNew && errors.Is(last, nats.ErrPermissionViolation) { //nolint:errorlint // the same one
		return fmt.Errorf("NATS does not allow the user of the settings what is needed; allow that, "+
			"docs/operating.md lists it: %w (%w)", last, err)
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("JetStream does not answer: enable it on the server, and for this account: %w", err)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return fmt.Errorf("the server has no JetStream: enable it there: %w", err)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("JetStream is not enabled for the account of the settings: enable it for that: %w", err)
	}
	return err
}
