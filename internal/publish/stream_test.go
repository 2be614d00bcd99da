package publish_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/publish"
)

// foundStream is a stream that others have made, and what is to be said of it.
type foundStream struct {
	make func(*settingsOf)
	// differs are the settings that are told, refused those of which Ensure's
	// error tells.
	differs, refused []string
}

// settingsOf is short for what a stream is made with.
type settingsOf = jetstream.StreamConfig

var foundStreams = map[string]foundStream{
	"as ours":             {make: func(*settingsOf) {}},
	"more subjects":       {make: func(c *settingsOf) { c.Subjects = append(c.Subjects, "more.>") }},
	"full means refused":  {make: func(c *settingsOf) { c.Discard = jetstream.DiscardNew }},
	"compressed":          {make: func(c *settingsOf) { c.Compression = jetstream.S2Compression }},
	"in memory":           differing(func(c *settingsOf) { c.Storage = jetstream.MemoryStorage }, "storage"),
	"synced later":        differing(async, "persist_mode", "allow_atomic"),
	"shorter":             differing(shorter, "max_age", "duplicate_window"),
	"for ever":            differing(func(c *settingsOf) { c.MaxAge = 0 }, "max_age"),
	"few messages":        differing(func(c *settingsOf) { c.MaxMsgs = 100 }, "max_msgs"),
	"few bytes":           differing(func(c *settingsOf) { c.MaxBytes = 1 << 20 }, "max_bytes"),
	"small messages":      differing(func(c *settingsOf) { c.MaxMsgSize = 1000 }, "max_msg_size"),
	"few consumers":       differing(func(c *settingsOf) { c.MaxConsumers = 3 }, "max_consumers"),
	"no batches":          differing(func(c *settingsOf) { c.AllowAtomicPublish = false }, "allow_atomic"),
	"short memory of ids": differing(func(c *settingsOf) { c.Duplicates = time.Second }, "duplicate_window"),
	"rollups":             differing(func(c *settingsOf) { c.AllowRollup = true }, "allow_rollup_hdrs"),
	"other subjects":      refused(func(c *settingsOf) { c.Subjects = []string{"orders.>"} }, "subjects"),
	"no acks":             refused(func(c *settingsOf) { c.NoAck, c.AllowAtomicPublish = true, false }, "no_ack"),
	"a work queue":        refused(func(c *settingsOf) { c.Retention = jetstream.WorkQueuePolicy }, "retention"),
	"by interest":         refused(func(c *settingsOf) { c.Retention = jetstream.InterestPolicy }, "retention"),
	"few of a subject":    refused(func(c *settingsOf) { c.MaxMsgsPerSubject = 5 }, "max_msgs_per_subject"),
	"counters":            refused(func(c *settingsOf) { c.AllowMsgCounter = true }, "allow_msg_counter"),
	"other names":         refused(transform, "subject_transform"),
	"sealed":              refused(func(c *settingsOf) { c.Sealed = true }, "sealed"),
	"two reasons": refused(func(c *settingsOf) {
		c.NoAck, c.AllowAtomicPublish, c.MaxMsgsPerSubject = true, false, 1
	}, "max_msgs_per_subject", "no_ack"),
}

func differing(change func(*settingsOf), settings ...string) foundStream {
	return foundStream{make: change, differs: settings}
}

func refused(change func(*settingsOf), settings ...string) foundStream {
	return foundStream{make: change, refused: settings}
}

func shorter(c *settingsOf) { c.MaxAge, c.Duplicates = time.Minute, time.Minute }

func async(c *settingsOf) { c.PersistMode, c.AllowAtomicPublish = jetstream.AsyncPersistMode, false }

func transform(c *settingsOf) {
	c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: prefix + ".>", Destination: "x.>"}
}

func TestEnsureJudgesAStream(t *testing.T) {
	t.Parallel()
	for name, tt := range foundStreams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js := connect(t)
			if _, err := ensure(t.Context(), js, streamConfig()); err != nil {
				t.Fatal(err)
			}
			made, err := js.Stream(t.Context(), streamName)
			if err != nil {
				t.Fatal(err)
			}
			have := made.CachedInfo().Config
			tt.make(&have)
			if err := js.DeleteStream(t.Context(), streamName); err != nil {
				t.Fatal(err)
			}
			made, err = makeAs(t.Context(), js, have)
			if err != nil {
				t.Fatal(err)
			}
			log := &logged{}
			_, err = publish.NewStreamMaker(js, somebodys(), jsonLog(log)).Ensure(t.Context())
			wantRefusal(t, err, tt.refused)
			if d := cmp.Diff(tt.differs, toldSettings(t, log)); d != "" {
				t.Errorf("told differences (-want +got):\n%s", d)
			}
			after, err := js.Stream(t.Context(), streamName)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(made.CachedInfo().Config, after.CachedInfo().Config); d != "" {
				t.Errorf("somebody's stream was changed:\n%s", d)
			}
		})
	}
}

// makeAs makes a stream. One cannot be made sealed.
func makeAs(ctx context.Context, js jetstream.JetStream, c settingsOf) (jetstream.Stream, error) {
	sealed := c.Sealed
	c.Sealed = false
	s, err := patiently(ctx, func() (jetstream.Stream, error) { return js.CreateStream(ctx, c) })
	if err != nil || !sealed {
		return s, err
	}
	c = s.CachedInfo().Config
	c.Sealed = true
	return js.UpdateStream(ctx, c)
}

// wantRefusal wants an error with each of the settings and what to do, or none.
func wantRefusal(t *testing.T, err error, settings []string) {
	t.Helper()
	if len(settings) == 0 {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	for _, want := range append(slices.Clone(settings), "NOTIFIER_NATS_STREAM") {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// toldSettings returns the settings of the lines of a log that tell a difference,
// each of which must have its values and its cost.
func toldSettings(t *testing.T, log *logged) []string {
	t.Helper()
	var settings []string
	for line := range strings.Lines(log.String()) {
		var told struct{ Msg, Setting, Wanted, Found, Costs string }
		if err := json.Unmarshal([]byte(line), &told); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(told.Msg, "differs") {
			continue
		}
		if told.Wanted == "" || told.Found == "" || told.Costs == "" || told.Wanted == told.Found {
			t.Errorf("a line that does not tell all: %s", line)
		}
		settings = append(settings, told.Setting)
	}
	return settings
}

// Our own stream gets our settings, whoever changed it and whichever version
// made it; what it holds stays.
func TestEnsureAppliesTheSettingsToItsOwn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settingsOf){
		"age":              func(c *settingsOf) { c.MaxAge = 2 * time.Minute },
		"no batches":       func(c *settingsOf) { c.AllowAtomicPublish = false },
		"few of a subject": func(c *settingsOf) { c.MaxMsgsPerSubject = 5 },
		"limits": func(c *settingsOf) {
			c.MaxMsgs, c.MaxBytes, c.MaxMsgSize, c.Discard = 1000, 1<<20, 10_000, jetstream.DiscardNew
		},
		"no acks": func(c *settingsOf) { c.NoAck = true },
		"rollups": func(c *settingsOf) { c.AllowRollup = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js := connect(t)
			s, err := ensure(t.Context(), js, streamConfig())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := js.Publish(t.Context(), prefix+".a.b.1.c", nil); err != nil {
				t.Fatal(err)
			}
			want := s.CachedInfo().Config
			have := want
			change(&have)
			if _, err := js.UpdateStream(t.Context(), have); err != nil {
				t.Fatal(err)
			}
			s, err = ensure(t.Context(), js, streamConfig())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, s.CachedInfo().Config); d != "" {
				t.Errorf("settings (-want +got):\n%s", d)
			}
			if n := s.CachedInfo().State.Msgs; n != 1 {
				t.Errorf("%d messages, want the one of before", n)
			}
		})
	}
}

// The relay asks for the stream after each failure: what differs is said once.
func TestStreamMakerTellsADifferenceOnce(t *testing.T) {
	t.Parallel()
	js := connect(t)
	have := streamConfig()
	stream, err := ensure(t.Context(), js, have)
	if err != nil {
		t.Fatal(err)
	}
	want, log := have, &logged{}
	want.Owned, want.MaxAge = false, 2*time.Hour
	m := publish.NewStreamMaker(js, want, jsonLog(log))
	look := func(times int) {
		t.Helper()
		for range 3 {
			if _, err := m.Ensure(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(log.String(), "differs"); n != times {
			t.Errorf("said %d times, want %d", n, times)
		}
	}
	change := func(age time.Duration) {
		t.Helper()
		c := stream.CachedInfo().Config
		c.MaxAge = age
		if _, err := js.UpdateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	look(1)
	change(3 * time.Hour) // another difference
	look(2)
	change(want.MaxAge)
	look(2)
	change(3 * time.Hour) // it comes back
	look(3)
}
