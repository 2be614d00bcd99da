package publish

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// difference is a setting of a stream that is not as it would be in one that we
// made. Settings that make no difference to events, such as the compression, are
// none.
type difference struct {
	name       string // as the nats command and JetStream's API have it
	want, have string
	costs      string // what it leads to
	// loses says that events would be lost, or not taken at all, so that the
	// stream must not be used.
	loses bool
}

// unfit returns why a stream with these differences cannot hold events, nil if
// it can.
func (c StreamConfig) unfit(found []difference) error {
	var why []string
	for _, d := range found {
		if d.loses {
			why = append(why, fmt.Sprintf("%s is %s, not %s: %s", d.name, d.have, d.want, d.costs))
		}
	}
	if len(why) == 0 {
		return nil
	}
	return fmt.Errorf("stream %s cannot hold events; change it, or set NOTIFIER_NATS_STREAM to another name: %s",
		c.Name, strings.Join(why, "; "))
}

// differences compares a stream with what we would make.
func (c StreamConfig) differences(have jetstream.StreamConfig) []difference {
	found := slices.Concat(c.kind(have), c.limits(have), c.safety(have))
	return slices.DeleteFunc(found, func(d difference) bool { return d.want == d.have })
}

// kind are the settings by which a stream is another kind of thing.
func (c StreamConfig) kind(have jetstream.StreamConfig) []difference {
	subjects := c.Prefix + ".>"
	haveSubjects := fmt.Sprintf("%q", have.Subjects)
	if slices.ContainsFunc(have.Subjects, func(s string) bool { return covers(s, c.Prefix) }) {
		haveSubjects = subjects
	}
	return []difference{
		{"subjects", subjects, haveSubjects, "it does not take all events", true},
		{
			"retention", retention(jetstream.LimitsPolicy), retention(have.Retention),
			"it drops messages once read, so subscribers would take events from each other", true,
		},
		{"mirror", "none", presence(have.Mirror != nil), "it takes no events", true},
		{"sealed", "false", strconv.FormatBool(have.Sealed), "it takes no events", true},
		{
			"allow_msg_counter", "false", strconv.FormatBool(have.AllowMsgCounter),
			"it takes nothing but counters", true,
		},
		{
			"subject_transform", "none", presence(have.SubjectTransform != nil),
			"events get other subjects, under which nobody looks for them", true,
		},
		{
			"allow_rollup_hdrs", "false", strconv.FormatBool(have.AllowRollup),
			"whoever may publish to it may also empty it", false,
		},
	}
}

// limits are the settings by which events leave, or are not taken.
func (c StreamConfig) limits(have jetstream.StreamConfig) []difference {
	full := "when it is full its oldest events leave, whether or not they were delivered"
	if have.Discard == jetstream.DiscardNew {
		full = "when it is full events wait in the state until there is room"
	}
	age := "events stay longer than NOTIFIER_RETENTION says"
	if have.MaxAge > 0 && have.MaxAge < c.MaxAge {
		age = "events leave earlier than NOTIFIER_RETENTION says"
	}
	return []difference{
		{"max_age", c.MaxAge.String(), lifetime(have.MaxAge), age, false},
		{
			"max_msgs_per_subject", unlimited, limit(have.MaxMsgsPerSubject),
			"an event pushes out others of the same name and batch, which are of other calls", true,
		},
		{"max_msgs", unlimited, limit(have.MaxMsgs), full, false},
		{"max_bytes", unlimited, limit(have.MaxBytes), full, false},
		{"max_msg_size", unlimited, limit(int64(have.MaxMsgSize)), "events that are larger are parked", false},
		{
			"max_consumers", unlimited, limit(int64(have.MaxConsumers)),
			"each sink and subscriber needs one, and so does the look at what the stream holds", false,
		},
	}
}

// safety are the settings by which what was acknowledged may be gone.
func (c StreamConfig) safety(have jetstream.StreamConfig) []difference {
	return []difference{
		{"no_ack", "false", strconv.FormatBool(have.NoAck), "it does not acknowledge, so events could be lost unseen", true},
		{
			"storage", storage(jetstream.FileStorage), storage(have.Storage),
			"a restart of its servers loses what it holds", false,
		},
		{
			"persist_mode", persist(jetstream.DefaultPersistMode), persist(have.PersistMode),
			"a power cut or kill loses events that were acknowledged", false,
		},
		{
			"num_replicas", strconv.Itoa(c.Replicas), strconv.Itoa(have.Replicas),
			"another number of servers than wanted may fail before events are lost", false,
		},
		{
			"duplicate_window", c.stream().Duplicates.String(), have.Duplicates.String(),
			"the server knows an event that comes twice for another time; the daemon does not rely on it", false,
		},
		{
			"allow_atomic", "true", strconv.FormatBool(have.AllowAtomicPublish),
			"events are published one by one, which is slower", false,
		},
	}
}

// unlimited is how a limit is shown that is none.
const unlimited = "unlimited"

func limit(n int64) string {
	if n <= 0 {
		return unlimited
	}
	return strconv.FormatInt(n, 10)
}

func lifetime(d time.Duration) string {
	if d <= 0 {
		return unlimited
	}
	return d.String()
}

func presence(there bool) string {
	if there {
		return "set"
	}
	return "none"
}

func retention(p jetstream.RetentionPolicy) string { return strings.ToLower(p.String()) }

func persist(m jetstream.PersistModeType) string { return strings.ToLower(m.String()) }

func storage(s jetstream.StorageType) string { return strings.ToLower(s.String()) }

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
