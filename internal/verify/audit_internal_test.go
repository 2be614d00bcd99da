package verify

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/store"
)

// records is a state of which nothing but the list of batches is asked.
type records struct {
	State
	all  []store.Recorded
	fail error
}

func (r *records) Recorded() ([]store.Recorded, error) { return r.all, r.fail }

func recorded(id string, events uint64, completed bool, last time.Time) store.Recorded {
	return store.Recorded{ID: id, Batch: store.Batch{Events: events, Completed: completed, Last: &last}}
}

// The turn is by when a batch was verified, and complete ones have it once.
func TestTurns(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	v := New(Options{})
	all := []store.Recorded{
		recorded("active", 5, false, at),
		recorded("done", 9, true, at.Add(-time.Hour)),
		recorded("empty", 0, false, at.Add(time.Hour)),
		recorded("ill", 7, true, at.Add(-time.Minute)),
	}
	verified := func(id string, events uint64, problems int) {
		at = at.Add(time.Minute)
		v.marks[id] = Mark{At: at, Problems: problems, changes: changes{0, events}}
		v.tried[id] = time.Time{}
	}
	turn := func(want string) {
		t.Helper()
		if got, ok := v.turn(all); got != want || ok != (want != "") {
			t.Errorf("the turn is %q's, want %q", got, want)
		}
	}
	turn("active") // it changed last
	verified("active", 5, 0)
	turn("ill")
	verified("ill", 7, 2)
	turn("done")
	verified("done", 9, 0)
	turn("active") // it is not complete
	verified("active", 5, 0)
	turn("ill") // is it still?
	verified("ill", 7, 0)
	turn("active")
	verified("active", 5, 0)
	all[1].Events++ // it was complete, and has changed
	turn("done")
	turn("active") // the one before cannot be verified, and does not hold it up
	verified("active", 5, 0)
	verified("done", 10, 0)
	all[0].Completed = true
	turn("")
}

// An audit that cannot be made is told once, and so is that it can be again.
func TestRunWithoutAStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		asked := 0
		v := New(Options{
			State:    &records{all: []store.Recorded{recorded("a", 1, false, time.Now())}},
			Interval: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Stream: func(context.Context) (jetstream.Stream, error) {
				asked++
				return nil, errors.New("away")
			},
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+time.Second)
		defer cancel()
		v.Run(ctx)
		if h := v.Health(); asked != 5 || h.Trouble == "" || !h.Last.IsZero() {
			t.Errorf("asked %d times, health %+v", asked, h)
		}
		v.note(Result{Batch: "a", At: time.Now()})
		if h := v.Health(); h.Trouble != "" || h.Last.IsZero() {
			t.Errorf("health %+v", h)
		}
		for _, line := range []string{"a batch cannot be verified", "batches can be verified again"} {
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("%q is logged %d times", line, n)
			}
		}
	})
}

// A problem is told once, without what may be a number, and so is its end.
func TestLogOfProblems(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	v := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	ill := Result{Batch: "a", At: time.Now(), ProblemCount: 1, Problems: []string{`call "512-555-0123": it is gone`}}
	v.note(ill)
	v.note(ill)
	if h := v.Health(); h.Problems != 1 || h.Batches != 1 {
		t.Errorf("health %+v", h)
	}
	v.note(Result{Batch: "a", At: time.Now()})
	for _, line := range []string{"stream and state do not agree", "stream and state agree again"} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%q is logged %d times", line, n)
		}
	}
	if strings.Contains(log.String(), "555") || !strings.Contains(log.String(), "problems=1") {
		t.Errorf("log %s", log.String())
	}
	if h := v.Health(); h.Problems != 0 || h.Batches != 0 {
		t.Errorf("health %+v", h)
	}
}

// What may have left a stream at its front.
func TestMayHaveAged(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for name, tt := range map[string]struct {
		first            uint64
		front, made      time.Time
		since            time.Time
		want, wantsEarly bool
	}{
		"a whole stream":                   {1, ago(5 * time.Hour), ago(5 * time.Hour), ago(4 * time.Hour), false, true},
		"its front is younger":             {9, ago(5 * time.Hour), ago(99 * time.Hour), ago(6 * time.Hour), true, true},
		"its front has aged":               {9, ago(24 * time.Hour), ago(99 * time.Hour), ago(30 * time.Hour), true, false},
		"its front is older":               {9, ago(5 * time.Hour), ago(99 * time.Hour), ago(4 * time.Hour), false, true},
		"it is empty now":                  {9, time.Time{}, ago(99 * time.Hour), ago(4 * time.Hour), true, true},
		"it was empty, and begins anew":    {0, time.Time{}, ago(5 * time.Hour), ago(4 * time.Hour), false, true},
		"it was made after that":           {1, ago(5 * time.Hour), ago(5 * time.Hour), ago(6 * time.Hour), false, true},
		"it was made long after that":      {1, ago(5 * time.Hour), ago(25 * time.Hour), ago(26 * time.Hour), true, false},
		"nobody knows when that was":       {1, ago(5 * time.Hour), ago(5 * time.Hour), time.Time{}, false, false},
		"nobody knows, and it has a front": {9, ago(5 * time.Hour), ago(5 * time.Hour), time.Time{}, true, false},
	} {
		info := &jetstream.StreamInfo{
			Config:  jetstream.StreamConfig{MaxAge: 24 * time.Hour, MaxMsgs: -1, MaxBytes: -1},
			Created: tt.made, State: jetstream.StreamState{FirstSeq: tt.first, FirstTime: tt.front},
		}
		if got := mayHaveAged(info, tt.since, now); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
		if got := early(info, tt.since, now); got != tt.wantsEarly {
			t.Errorf("%s: early %t", name, got)
		}
	}
}
