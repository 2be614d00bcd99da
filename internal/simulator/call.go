package simulator

import (
	"maps"
	"strings"
	"time"
)

// Values of request_status that occur here.
const (
	reqPending   = "PENDING"
	reqDuplicate = "DUPLICATE"
	reqInvalid   = "INVALID"
	reqInitiated = "INITIATED"
	reqConnected = "CONNECTED"
	reqCompleted = "COMPLETED"
	reqFailed    = "FAILED"
	reqCanceled  = "CANCELED"
)

// Values of channel_manager_status that occur here.
const (
	chDuplicate  = "DUPLICATE"
	chInvalid    = "INVALID"
	chQueued     = "QUEUED"
	chInProgress = "IN-PROGRESS"
	chCompleted  = "COMPLETED"
	chMachine    = "MACHINE"
	chNoAnswer   = "NO-ANSWER"
	chBusy       = "BUSY"
	chDeclined   = "DECLINED"
	chFailed     = "FAILED"
	chNotFound   = "SIP_NOT_FOUND"
	chCanceled   = "CANCELED"
)

// Values of insights_status.
const (
	insPending    = "PENDING"
	insProcessing = "PROCESSING"
	insCompleted  = "COMPLETED"
	insFailed     = "FAILED"
)

// stage is where a call is in its life, which its statuses alone do not say:
// FAILED with a retry to come looks like FAILED for good.
type stage string

const (
	stageQueued  stage = "queued"  // for its first dial
	stageLive    stage = "live"    // on the line, or its insights are being made
	stageWaiting stage = "waiting" // for a retry
	stageDone    stage = "done"    // nothing more will happen
)

// call is the state of a call.
type call struct {
	batch         *batch
	ref, target   string
	variables     map[string]string
	line          *line // nil: no lookup
	created       time.Time
	canceledEarly bool // when its turn comes

	stage        stage
	removed      bool
	sent         time.Time
	attempts     int
	sid          string
	session      int64
	conversation int64
	talk         time.Duration
	changed      time.Time

	request, channel, insight field
	content                   field // the insights, as JSON text

	raw []byte // the encoded result; nil: has to be encoded again
}

// field is a tracked value with its past; a call has at least one Moment.
type field []Moment

// value is the current value, "" for null.
func (f field) value() string {
	if v := f[len(f)-1].Value; v != nil {
		return *v
	}
	return ""
}

func (f *field) set(at time.Time, value string) {
	if value != f.value() {
		*f = append(*f, Moment{At: at, Value: &value})
	}
}

// change is what a transition sets; empty fields stay as they are.
type change struct{ request, channel, insight, content string }

// move applies a transition. All statuses of a call change here, so that the
// counts and the cached encoding cannot be forgotten.
func (c *call) move(at time.Time, ch change) {
	c.batch.count(c, -1)
	if ch.request != "" {
		c.request.set(at, ch.request)
	}
	if ch.channel != "" {
		c.channel.set(at, ch.channel)
	}
	if ch.insight != "" {
		c.insight.set(at, ch.insight)
	}
	if ch.content != "" {
		c.content.set(at, ch.content)
	}
	c.batch.count(c, +1)
	c.batch.touch(at)
	c.changed = at
	c.raw = nil
}

// settle notes that nothing more will happen to the call.
func (c *call) settle() {
	if c.stage != stageDone {
		c.stage = stageDone
		c.batch.open--
	}
}

// add puts an explicit request into the batch. Only its target can make it
// INVALID: whoever names a call wants to see it called.
func (s *Simulator) add(b *batch, r Request, at time.Time) *call {
	status := reqPending
	if !isPhoneNumber(r.Target) {
		status = reqInvalid
	}
	return s.insert(b, r, status, at)
}

// insert creates a call whose request_status is PENDING, INVALID or DUPLICATE.
func (s *Simulator) insert(b *batch, r Request, status string, at time.Time) *call {
	rng := s.random(b.id, r.ReferenceID, "creation")
	c := &call{
		batch: b, ref: r.ReferenceID, target: r.Target, variables: maps.Clone(r.Variables),
		line: drawLine(rng), created: at, changed: at, stage: stageQueued,
		canceledEarly: rng.Float64() < b.campaign.mix.Canceled,
		request:       field{{At: at, Value: &status}},
		channel:       field{{At: at}},
		insight:       field{{At: at}},
		content:       field{{At: at}},
	}
	if c.variables == nil {
		c.variables = map[string]string{}
	}
	b.open++
	switch status {
	case reqInvalid:
		c.channel, c.line = field{{At: at, Value: new(chInvalid)}}, nil
		c.settle()
	case reqDuplicate:
		c.channel = field{{At: at, Value: new(chDuplicate)}}
		c.settle()
	}
	b.calls = append(b.calls, c)
	b.byRef[c.ref] = c
	b.count(c, +1)
	b.updated, b.changed = at, at
	return c
}

// isPhoneNumber accepts the ways of writing in which numbers arrive.
func isPhoneNumber(target string) bool {
	digits := 0
	for i, r := range target {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '+' && i == 0:
		case !strings.ContainsRune(" -.()", r):
			return false
		}
	}
	return digits >= 10 && digits <= 15
}
