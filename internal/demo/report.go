package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"

	"github.com/syllable-notifier/notifier/internal/publish/slack/slackfake"
)

// counts is what is shown while the demo runs.
type counts struct {
	calls, ended     int
	outcomes         map[string]int // by request_status
	events, insights int
	posts            int
	insightsUnderWay int
	elapsed          time.Duration
}

func (s *stage) counts() counts {
	p := s.platform.Sim.Progress()
	r := s.watch.report()
	return counts{
		calls: p.Calls, ended: p.Calls - p.Open, outcomes: p.RequestStatus,
		events: r.Events, insights: s.watch.completedInsights(), posts: s.slack.count(),
		insightsUnderWay: p.InsightsStatus["PENDING"] + p.InsightsStatus["PROCESSING"],
		elapsed:          time.Since(s.begun),
	}
}

// outcomeText lists how many calls are in which state, the most frequent first.
func (c counts) outcomeText() string {
	names := slices.SortedFunc(maps.Keys(c.outcomes), func(a, b string) int {
		if n := c.outcomes[b] - c.outcomes[a]; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%d %s", c.outcomes[name], strings.ToLower(name))
	}
	return strings.Join(parts, ", ")
}

// reporter shows what happens while it happens.
type reporter interface {
	note(text string)
	message(m slackfake.Message)
	update(c counts)
	close()
}

func newReporter(o Options) reporter {
	if o.Terminal {
		return newBars(o.Progress, o.Width)
	}
	return &lines{w: o.Progress}
}

// maxWidth is where a message is wrapped at the latest: long lines read badly.
const maxWidth = 96

func renderPost(m slackfake.Message, width int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "── Slack %s ──\n", m.Channel)
	for line := range strings.Lines(m.Plain(min(max(width-2, 40), maxWidth))) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// lines is for logs and pipes: plain lines, one about the progress now and then.
type lines struct {
	mu   sync.Mutex
	w    io.Writer
	last time.Duration
}

const lineInterval = 5 * time.Second

func (l *lines) print(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, strings.TrimRight(text, "\n"))
}

func (l *lines) note(text string)            { l.print(text) }
func (l *lines) message(m slackfake.Message) { l.print(renderPost(m, maxWidth)) }
func (l *lines) close()                      {}

func (l *lines) update(c counts) {
	if c.elapsed-l.last < lineInterval {
		return
	}
	l.last = c.elapsed
	l.print(fmt.Sprintf("[%2.0fs] calls %d of %d ended (%s); events %d; Slack posts %d of %d",
		c.elapsed.Seconds(), c.ended, c.calls, c.outcomeText(), c.events, c.posts, c.insights))
}

// bars is for terminals: bars at the bottom, all else scrolls above them.
type bars struct {
	pw    progress.Writer
	width int
	calls *progress.Tracker
	posts *progress.Tracker
	done  chan struct{}
}

func newBars(w io.Writer, width int) *bars {
	pw := progress.NewWriter()
	pw.SetOutputWriter(w)
	pw.SetAutoStop(false)
	pw.SetUpdateFrequency(tick)
	pw.SetTrackerLength(24)
	pw.SetTrackerPosition(progress.PositionRight)
	pw.SetTerminalWidth(width)
	pw.SetSortBy(progress.SortByIndex)
	pw.SetStyle(progress.StyleBlocks)
	style := pw.Style()
	style.Visibility.ETA, style.Visibility.Time, style.Visibility.Percentage = false, false, false
	style.Visibility.Value = false // the message says it
	b := &bars{
		pw: pw, width: width, done: make(chan struct{}),
		calls: &progress.Tracker{Index: 0, AutoStopDisabled: true},
		posts: &progress.Tracker{Index: 1, AutoStopDisabled: true},
	}
	pw.AppendTrackers([]*progress.Tracker{b.calls, b.posts})
	go func() {
		defer close(b.done)
		pw.Render()
	}()
	return b
}

func (b *bars) note(text string) {
	for line := range strings.Lines(text) {
		b.pw.Log("%s", strings.TrimRight(line, "\n"))
	}
}

func (b *bars) message(m slackfake.Message) { b.note(renderPost(m, b.width)) }

func (b *bars) update(c counts) {
	bar := func(t *progress.Tracker, what string, done, all int) {
		t.UpdateMessage(fmt.Sprintf("%-12s %3d of %d", what, done, all))
		t.UpdateTotal(int64(max(all, 1)))
		t.SetValue(int64(done))
	}
	bar(b.calls, "Calls ended", c.ended, c.calls)
	// What is being made will be a post, most of it.
	bar(b.posts, "Slack posts", c.posts, c.insights+c.insightsUnderWay)
	b.pw.SetPinnedMessages(
		fmt.Sprintf("%d calls: %s", c.calls, c.outcomeText()),
		fmt.Sprintf("%d events in the stream, %.0f s", c.events, c.elapsed.Seconds()))
}

// close also works when the rendering has not begun yet, which a single Stop
// would not end.
func (b *bars) close() {
	for {
		b.pw.Stop()
		select {
		case <-b.done:
			return
		case <-time.After(tick):
		}
	}
}
