package simulator

import (
	"fmt"
	"strconv"
	"time"
)

// How long the insight workflow takes. The gap before its PENDING is there
// because a consumer must not take a completed call whose insights_status is
// null for one that will have no insights.
var (
	insightGap        = span{1 * time.Second, 4 * time.Second}
	insightPending    = span{10 * time.Second, 60 * time.Second}
	insightProcessing = span{20 * time.Second, 180 * time.Second}
	// insightRevision passes until completed insights change once more.
	insightRevision = span{2 * time.Minute, 20 * time.Minute}
)

// later schedules the next step of a call; a removed call takes none.
func (s *Simulator) later(c *call, at time.Time, do func(at time.Time)) {
	s.queue.schedule(at, func(at time.Time) {
		if !c.removed {
			do(at)
		}
	})
}

// dial makes one attempt. All that is random about the attempt is drawn here.
func (s *Simulator) dial(c *call, at time.Time) {
	c.stage = stageLive
	c.attempts++
	c.sent = at
	r := s.random(c.batch.id, c.ref, "attempt "+strconv.Itoa(c.attempts))
	c.sid = fmt.Sprintf("CA%016x%016x", r.Uint64(), r.Uint64())
	o := c.batch.campaign.mix.draw(r, c.attempts)
	ring, talk := o.ring.draw(r), o.talk.draw(r)
	c.move(at, change{request: reqInitiated, channel: chQueued})
	if !o.answered {
		s.later(c, at.Add(ring), func(at time.Time) { s.fail(c, o, at) })
		return
	}
	// Twelve digits: unlikely to repeat, and exact in a JavaScript number.
	session, conversation := 1e11+r.Int64N(9e11), 1e11+r.Int64N(9e11)
	s.later(c, at.Add(ring), func(at time.Time) {
		c.session, c.conversation = session, conversation
		c.move(at, change{request: reqConnected, channel: chInProgress})
		s.later(c, at.Add(talk), func(at time.Time) {
			c.talk = talk
			s.complete(c, o, at)
		})
	})
}

// fail ends an attempt that nobody answered.
func (s *Simulator) fail(c *call, o *outcome, at time.Time) {
	p := c.batch.campaign
	again := o.retry && c.attempts <= p.shown.RetryCount && !c.batch.ended()
	if again && p.quietRetry {
		c.move(at, change{channel: o.channel})
	} else {
		c.move(at, change{request: reqFailed, channel: o.channel})
	}
	if again {
		s.retryLater(c, at)
	} else {
		c.settle()
	}
}

// complete ends an attempt that was answered and starts the insight workflow.
func (s *Simulator) complete(c *call, o *outcome, at time.Time) {
	c.move(at, change{request: reqCompleted, channel: o.channel})
	p := c.batch.campaign
	if p.noInsights {
		c.settle()
		return
	}
	r := s.random(c.batch.id, c.ref, "insight workflow")
	failed := r.Float64() < p.mix.InsightFailed
	pending, processing := insightPending.draw(r), insightProcessing.draw(r)
	s.later(c, at.Add(insightGap.draw(r)), func(at time.Time) {
		c.move(at, change{insight: insPending})
		s.later(c, at.Add(pending), func(at time.Time) {
			c.move(at, change{insight: insProcessing})
			s.later(c, at.Add(processing), func(at time.Time) {
				s.finishInsights(c, o, failed, at)
			})
		})
	})
}

func (s *Simulator) finishInsights(c *call, o *outcome, failed bool, at time.Time) {
	if failed {
		c.move(at, change{insight: insFailed})
		c.settle()
		return
	}
	voicemail := o.channel == chMachine
	r := s.random(c.batch.id, c.ref, "insights")
	c.move(at, change{insight: insCompleted, content: string(encode(drawInsights(r, c, voicemail)))})
	r = s.random(c.batch.id, c.ref, "revised insights")
	if !(r.Float64() < c.batch.campaign.mix.InsightRevised) {
		c.settle()
		return
	}
	s.later(c, at.Add(insightRevision.draw(r)), func(at time.Time) {
		c.move(at, change{content: string(encode(drawInsights(r, c, voicemail)))})
		c.settle()
	})
}
