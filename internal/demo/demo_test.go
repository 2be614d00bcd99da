package demo

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestComparePosts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		events, posts, want []string
	}{
		"all once": {[]string{"a", "b"}, []string{"b", "a"}, nil},
		"missing":  {[]string{"a", "b"}, []string{"a"}, []string{"event b was posted to Slack 0 times, want once"}},
		"twice":    {[]string{"a"}, []string{"a", "a"}, []string{"event a was posted to Slack 2 times, want once"}},
		"foreign":  {[]string{"a"}, []string{"a", "x"}, []string{`a Slack post belongs to no event of the run: "x"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, comparePosts(tt.events, tt.posts)); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

func TestRenderSaysWhatTheCheckFound(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]Summary{
		"are unbroken chains":                      {Checked: true, Calls: 1, Events: 1},
		"THE CHECK FAILED with 1 problems:\n  - x": {Checked: true, Problems: []string{"x"}},
		"nothing was checked":                      {},
	} {
		var b bytes.Buffer
		s.Render(&b, 80, false)
		if !strings.Contains(b.String(), want) {
			t.Errorf("want %q in:\n%s", want, b.String())
		}
	}
}

func TestFreeAddr(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := freeAddr(l.Addr().String()); got != "127.0.0.1:0" {
		t.Errorf("freeAddr of a taken port: %s", got)
	}
	if got := freeAddr("off"); got != "off" {
		t.Errorf("freeAddr(off) = %s", got)
	}
}

// stopAt ends the demo when it has shown a text.
type stopAt struct {
	bytes.Buffer
	text string
	stop context.CancelFunc
}

func (s *stopAt) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if strings.Contains(s.String(), s.text) {
		s.stop()
	}
	return n, err
}

// A user who has seen enough: the demo ends in order, and claims nothing.
func TestStoppedByTheUser(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out := &stopAt{text: "── Slack #call-summaries ──", stop: cancel}
	sum, err := Run(ctx, Options{
		HTTPAddr: "127.0.0.1:0", NATSListen: "127.0.0.1:0", Seed: 1,
		Progress: out, Version: "test", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Checked || sum.Passed() || sum.Posts == 0 || sum.Events == 0 {
		t.Errorf("summary %+v, want events and a post, and no check", sum)
	}
	for _, want := range []string{"nats://127.0.0.1:", "New batch reminders.", "Rating"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q was not shown:\n%s", want, out.String())
		}
	}
}

// The bars are for terminals: what is shown must come out above them.
func TestBars(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	b := newBars(&out, 80)
	b.note("hello\nworld")
	b.message(slackfake.Message{Channel: "#c", Text: "summary"})
	b.update(counts{calls: 4, ended: 3, outcomes: map[string]int{"FAILED": 1, "COMPLETED": 3}, posts: 1, insights: 2})
	b.close()
	for _, want := range []string{"hello", "world", "── Slack #c ──", "summary", "3 of 4", "3 completed, 1 failed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%q", want, out.String())
		}
	}
}
