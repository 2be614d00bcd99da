package torture

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

// Verdict is what the judge found.
type Verdict struct {
	Events, Calls, Batches int
	// Lost counts what was found missing, or different from what the platform
	// did; Twice events that the stream holds more than once; Disorder events of
	// one call that come after a later one; Broken gaps in a chain, and all else
	// that is wrong with the events.
	Lost, Twice, Disorder, Broken int
	// Messages counts those at Slack, Repeated those of them that were there.
	Messages, Repeated int
	// Problems are sentences, the daemons' own included.
	Problems []string
}

// Add adds another verdict.
func (v *Verdict) Add(o Verdict) {
	v.Events, v.Calls, v.Batches = v.Events+o.Events, v.Calls+o.Calls, v.Batches+o.Batches
	v.Lost, v.Twice = v.Lost+o.Lost, v.Twice+o.Twice
	v.Disorder, v.Broken = v.Disorder+o.Disorder, v.Broken+o.Broken
	v.Messages, v.Repeated = v.Messages+o.Messages, v.Repeated+o.Repeated
	v.Problems = append(v.Problems, o.Problems...)
}

// String is one line.
func (v *Verdict) String() string {
	return fmt.Sprintf("%d events of %d calls in %d batches: %d lost, %d twice, %d out of order, %d broken chains; "+
		"%d Slack messages, %d of them repeated",
		v.Events, v.Calls, v.Batches, v.Lost, v.Twice, v.Disorder, v.Broken, v.Messages, v.Repeated)
}

// Message is an event in the stream.
type Message struct {
	Sequence uint64
	Subject  string
	Header   map[string][]string
	Data     []byte
}

// ID returns the event's id as it is written.
func (m Message) ID() string {
	if ids := m.Header[event.HeaderID]; len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// judge compares a stream with what really became of the calls. It counts ids and
// revisions itself, beside the auditor, so that one judge's mistake shows.
func judge(messages []Message, lives []audit.Life) Verdict {
	var v Verdict
	auditor := audit.New(prefix)
	seen, newest := map[string]bool{}, map[event.ID]uint64{}
	for _, m := range messages {
		auditor.Add(m.Subject, m.Header, m.Data)
		id, err := event.ParseID(m.ID())
		if err != nil {
			continue // the auditor has said so
		}
		chain := id
		chain.Revision = 0
		switch {
		case seen[m.ID()]:
			v.Twice++
		case id.Revision <= newest[chain]:
			v.Disorder++
		}
		seen[m.ID()] = true
		newest[chain] = max(newest[chain], id.Revision)
	}
	broken := auditor.Report().ProblemCount
	auditor.Compare(lives)
	r := auditor.Report()
	v.Events, v.Calls, v.Batches = r.Events, r.Calls, r.Batches
	// The auditor has a sentence for each of those that were counted already.
	v.Broken, v.Lost = max(0, broken-v.Twice-v.Disorder), r.ProblemCount-broken
	v.Problems = r.Problems
	return v
}

// judgeSlack compares the messages with the insights that the stream says were
// completed: each at least once, those of one call in order.
func (v *Verdict) judgeSlack(messages []Message, posted []slackfake.Message) {
	wanted := map[string]bool{}
	for _, m := range messages {
		if slices.Contains(m.Header["ce-type"], prefix+"."+event.InsightsCompleted) {
			wanted[m.ID()] = false
		}
	}
	newest := map[event.ID]uint64{}
	for _, p := range posted {
		v.Messages++
		text := eventOf(p)
		there, ok := wanted[text]
		switch {
		case !ok:
			v.Problems = append(v.Problems, fmt.Sprintf("Slack has a message of %q, which the stream has not", text))
			continue
		case there:
			v.Repeated++
			continue
		}
		wanted[text] = true
		id, err := event.ParseID(text)
		if err != nil {
			v.Problems = append(v.Problems, fmt.Sprintf("Slack has a message of %q: %v", text, err))
			continue
		}
		chain := id
		chain.Revision = 0
		if id.Revision < newest[chain] {
			v.Disorder++
			v.Problems = append(v.Problems, fmt.Sprintf("Slack has revision %d of a call after %d", id.Revision, newest[chain]))
		}
		newest[chain] = max(newest[chain], id.Revision)
	}
	for id, there := range wanted {
		if !there {
			v.Lost++
			v.Problems = append(v.Problems, fmt.Sprintf("Slack has no message of %s", id))
		}
	}
}

// eventOf returns the id of the event that a message tells of.
func eventOf(m slackfake.Message) string {
	if m.Metadata == nil {
		return ""
	}
	id, _ := m.Metadata.EventPayload["event_id"].(string)
	return id
}

// readTimeout bounds the wait for each message of a stream.
const readTimeout = 30 * time.Second

// readStream returns all that the stream holds, in its order.
func readStream(ctx context.Context, js jetstream.JetStream) ([]Message, error) {
	c, err := js.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	it, err := c.Messages()
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	defer it.Stop()
	var all []Message
	for left := c.CachedInfo().NumPending; left > 0; left-- {
		m, err := it.Next(jetstream.NextMaxWait(readTimeout))
		if err != nil {
			return nil, fmt.Errorf("read the stream: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return nil, fmt.Errorf("read the stream: %w", err)
		}
		all = append(all, Message{meta.Sequence.Stream, m.Subject(), m.Headers(), m.Data()})
	}
	return all, nil
}
