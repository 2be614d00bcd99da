package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Summary is what came of a run.
type Summary struct {
	// Calls is how many calls the platform placed, Outcomes how many of them
	// ended with which request_status, and Insights with which insights_status.
	Calls    int            `json:"calls"`
	Outcomes map[string]int `json:"outcomes"`
	Insights map[string]int `json:"insights"`
	// Events is how many events the stream holds of them, ByName by name.
	Events int            `json:"events"`
	ByName map[string]int `json:"events_by_name"`
	// Posts is how many messages Slack took.
	Posts   int     `json:"slack_posts"`
	Seconds float64 `json:"seconds"`
	// Checked says that the run came to its end and was checked; Problems are
	// what the check found.
	Checked  bool     `json:"checked"`
	Problems []string `json:"problems"`
}

// Passed says whether the check was made and found nothing.
func (s Summary) Passed() bool { return s.Checked && len(s.Problems) == 0 }

// summary adds up, and checks the stream and the posts if the run came to its end.
func (s *stage) summary(ended bool) Summary {
	p := s.platform.Sim.Progress()
	r := s.watch.report()
	if ended {
		r = s.watch.judge(s.platform.Lives())
	}
	sum := Summary{
		Calls: p.Calls, Outcomes: p.RequestStatus, Insights: p.InsightsStatus,
		Events: r.Events, ByName: r.ByName, Posts: s.slack.count(),
		Seconds: time.Since(s.begun).Round(100 * time.Millisecond).Seconds(),
		Checked: ended, Problems: []string{},
	}
	if !ended {
		return sum
	}
	sum.Problems = append(sum.Problems, r.Problems...)
	if more := r.ProblemCount - len(r.Problems); more > 0 {
		sum.Problems = append(sum.Problems, fmt.Sprintf("and %d more", more))
	}
	sum.Problems = append(sum.Problems, comparePosts(s.watch.completedIDs(), s.slack.ids())...)
	return sum
}

// comparePosts finds completed insights that Slack does not show exactly once.
func comparePosts(events, posts []string) []string {
	var problems []string
	times := map[string]int{}
	for _, id := range posts {
		times[id]++
	}
	for _, id := range events {
		if n := times[id]; n != 1 {
			problems = append(problems, fmt.Sprintf("event %s was posted to Slack %d times, want once", id, n))
		}
		delete(times, id)
	}
	for _, id := range slices.Sorted(maps.Keys(times)) {
		problems = append(problems, fmt.Sprintf("a Slack post belongs to no event of the run: %q", id))
	}
	return problems
}

// Render writes the summary as a table of at most so many columns, within
// reason.
func (s Summary) Render(w io.Writer, width int, colour bool) {
	style := table.StyleRounded
	if colour {
		style.Color.Header = text.Colors{text.Bold}
	}
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(style)
	t.SetTitle("%d calls in %.0f seconds", s.Calls, s.Seconds)
	t.AppendHeader(table.Row{"what", "how many", "of which"})
	t.AppendRow(table.Row{"calls", s.Calls, list(s.Outcomes)})
	t.AppendRow(table.Row{"insights", sum(s.Insights), list(s.Insights)})
	t.AppendRow(table.Row{"events in the stream", s.Events, list(s.ByName)})
	t.AppendRow(table.Row{"Slack posts", s.Posts, ""})
	last := min(max(width-38, 24), 60) // what the other columns leave
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 3, WidthMax: last, WidthMaxEnforcer: text.WrapSoft}})
	t.Style().Options.SeparateRows = true
	t.Render()

	switch {
	case !s.Checked:
		fmt.Fprintln(w, "Stopped before the end: nothing was checked.")
	case s.Passed():
		fmt.Fprintf(w, "Checked: the %d events of %d calls are unbroken chains, and agree with what\n"+
			"the platform did; each of the %d completed insights was posted once.\n", s.Events, s.Calls, s.Posts)
	default:
		fmt.Fprintf(w, "THE CHECK FAILED with %d problems:\n", len(s.Problems))
		for _, p := range s.Problems {
			fmt.Fprintln(w, "  - "+p)
		}
	}
}

func sum(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

// list writes counts as a line, the largest first.
func list(m map[string]int) string { return counts{outcomes: m}.outcomeText() }
