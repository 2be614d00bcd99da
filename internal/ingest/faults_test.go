package ingest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// Which of two results with one reference id counts does not depend on the order
// of the list, so that no order makes a change.
func TestFault06DuplicateReference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		w.start()
		a := []string{
			`{"reference_id":"a","request_status":"PENDING","attempt_count":0}`,
			`{"reference_id":"a","request_status":"FAILED","attempt_count":2}`,
			`{"reference_id":"a","request_status":"INITIATED","attempt_count":1}`,
			`{"reference_id":"b","request_status":"PENDING"}`,
		}
		for _, order := range [][]int{{0, 1, 2, 3}, {2, 1, 0, 3}, {1, 3, 2, 0}, {3, 0, 2, 1}, {1, 0, 1, 3}} {
			var items []string
			for _, i := range order {
				items = append(items, a[i])
			}
			w.poll(items...)
		}
		w.want("a/1 request.failed null→FAILED", "b/1 request.pending null→PENDING")
	})
}

// A status that nobody knows is told as it is, of a call as of a batch, and ends
// neither.
func TestFault08UnknownStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLife(t, false)
		w.p.set(nil, item("a", "Re-routed!", "beamed up", `"THINKING"`))
		w.p.is("ARCHIVED", false)
		w.start()
		w.wait(60)
		w.want("a/1 request.re_routed null→Re-routed!", "a/2 channel.beamed_up null→beamed up",
			"a/3 insights.thinking null→THINKING")
		w.wantLives("1 batch.discovered", "2 batch.archived null→ARCHIVED")
		w.poll(item("a", "COMPLETED", "beamed up", `"THINKING"`))
		w.wait(60)
		if got := w.lives(); len(got) != 2 {
			t.Errorf("complete although its insights are still to come: %v", got)
		}
		w.poll(item("a", "Re-routed!", "beamed up", `"COMPLETED"`))
		w.wait(60)
		if got := w.lives(); len(got) != 2 {
			t.Errorf("complete although the call is on the move, for all we know: %v", got)
		}
		w.poll(item("a", "COMPLETED", "beamed up", `"COMPLETED"`))
		w.wait(60)
		w.wantLives("1 batch.discovered", "2 batch.archived null→ARCHIVED", "3 batch.completed")
	})
}

// Whatever way the statuses go, what is told is what was seen: an observation, no
// judgement.
func TestFault09Backwards(t *testing.T) {
	t.Parallel()
	statuses := []string{"PENDING", "INITIATED", "CONNECTED", "COMPLETED", "FAILED", "CANCELED"}
	insights := []string{"null", `"PENDING"`, `"PROCESSING"`, `"COMPLETED"`}
	random := rand.New(rand.NewPCG(9, 9))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		w.start()
		var want []string
		tell := func(kind, from, to string) {
			if from == to {
				return
			}
			name := strings.ToLower(to)
			if to == "null" {
				name = "none"
			}
			want = append(want, fmt.Sprintf("a/%d %s.%s %s→%s", len(want)+1, kind, name, from, to))
		}
		status, channel, mind := "null", "null", "null"
		for range 100 {
			now := statuses[random.IntN(len(statuses))]
			thinks := insights[random.IntN(len(insights))]
			w.poll(item("a", now, "x", thinks))
			thinks = strings.Trim(thinks, `"`)
			tell("request", status, now)
			tell("channel", channel, "x")
			tell("insights", mind, thinks)
			status, channel, mind = now, "x", thinks
		}
		w.want(want...)
	})
}

// The platform's times are handed on, and nothing else: order and times of the
// events are our own.
func TestFault10ClockSkew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, false)
		w.start()
		begin := time.Now()
		for i, at := range []string{
			`"2999-01-01T00:00:00Z"`, `"1970-01-01T00:00:00Z"`, `"2026-08-22T10:00:00Z"`, `null`, `"yesterday"`, `5`,
		} {
			w.poll(fmt.Sprintf(`{"reference_id":"a","request_status":"S%d","created_at":%s,"sent_at":%[2]s}`, i, at))
		}
		w.want("a/1 request.s0 null→S0", "a/2 request.s1 S0→S1", "a/3 request.s2 S1→S2", "a/4 request.s3 S2→S3",
			"a/5 request.s4 S3→S4", "a/6 request.s5 S4→S5")
		last := begin
		for _, e := range w.outbox() {
			if e.Time.Before(last) || e.Time.After(time.Now()) {
				t.Errorf("event %s at %v, after one at %v", e.ID, e.Time, last)
			}
			last = e.Time
		}
	})
}

// What was held of a batch that is gone is held on to, and goes on when it is
// there again.
func TestFault15Gone(t *testing.T) {
	t.Parallel()
	for _, code := range []int{404, 410} {
		synctest.Test(t, func(t *testing.T) {
			w := newLife(t, false)
			w.start()
			w.poll(item("a", "INITIATED", "x", "null"))
			before := w.lives()
			w.p.set(&syllable.StatusError{Code: code})
			w.wait(120)
			w.kill()
			w.start()
			w.wait(10)
			if d := cmp.Diff(before, w.lives()); d != "" {
				t.Errorf("%d: told while it was gone (-before +now):\n%s", code, d)
			}
			w.poll(item("a", "FAILED", "x", "null"))
			w.want("a/1 request.initiated null→INITIATED", "a/2 channel.x null→x",
				"a/3 request.failed INITIATED→FAILED")
			if got := w.lives(); strings.Count(strings.Join(got, " "), "discovered") != 1 {
				t.Errorf("%d: discovered again: %v", code, got)
			}
		})
	}
}
