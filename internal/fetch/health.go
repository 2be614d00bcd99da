package fetch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// enoughFailures is how many polls must have failed in a row, of whatever
// batches, before the platform counts as unreachable.
const enoughFailures = 3

// health watches whether the platform answers as it should.
type health struct {
	herald Herald
	least  time.Duration // that the failures must span
	log    *slog.Logger

	outage   Outage // FailedPolls is 0 while all is well
	told     bool   // the herald was told of it
	answered bool   // once, in this process
}

// note takes in how a poll ended. That a batch does not exist, or that a
// request was not accepted, is an answer of a platform that works.
func (h *health) note(err error, now time.Time) {
	switch {
	case err == nil || syllable.IsNotFound(err):
		h.success(now)
	case syllable.IsAbout(err):
		h.failure(err, now)
	}
}

func (h *health) failure(err error, now time.Time) {
	if h.outage.FailedPolls == 0 {
		h.outage.Since = now
	}
	h.outage.FailedPolls++
	h.outage.At, h.outage.Cause = now, syllable.Cause(err)
	if h.told || h.outage.FailedPolls < enoughFailures || now.Sub(h.outage.Since) < h.least {
		return
	}
	if h.herald != nil {
		if err := h.herald.Unreachable(h.outage); err != nil {
			h.log.Error("that the platform is unreachable could not be told", "error", err)
			return
		}
	}
	h.told = true
	h.log.Error("the platform is unreachable", "since", h.outage.Since, "failed_polls", h.outage.FailedPolls,
		"cause", h.outage.Cause)
}

func (h *health) success(now time.Time) {
	o := h.outage
	if o.FailedPolls == 0 && h.answered {
		return
	}
	o.At = now
	// The first success of a process may end an outage that one before it told.
	if (h.told || !h.answered) && h.herald != nil {
		if err := h.herald.Recovered(o); err != nil {
			h.log.Error("that the platform can be reached again could not be told", "error", err)
			return // and is tried again with the next success
		}
	}
	if h.told {
		h.log.Info("the platform can be reached again", "since", o.Since, "failed_polls", o.FailedPolls)
	}
	h.outage, h.told, h.answered = Outage{}, false, true
}

// noteHealth takes in how a poll ended, unless we ended it.
func (p *Poller) noteHealth(ctx context.Context, err error) {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return
	}
	p.health.note(err, time.Now())
	p.hold.note(err, time.Now())
}

// enoughRefusals is how many polls in a row must have been refused for the key
// to be the reason, and not the batch.
const enoughRefusals = 3

// hold keeps all batches back when the platform asks for that, or refuses the
// key: it means the account, and not the one batch that was asked for.
type hold struct {
	refused int
	until   time.Time
}

func (h *hold) note(err error, now time.Time) {
	wait := time.Duration(0)
	switch {
	case err == nil:
		h.refused = 0
	case syllable.IsUnauthorized(err):
		if h.refused++; h.refused >= enoughRefusals {
			wait = refusedWait
		}
	case syllable.IsTooMany(err):
		wait = syllable.RetryAfterOf(err)
	}
	if until := now.Add(wait); wait > 0 && until.After(h.until) {
		h.until = until
	}
}
