package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustFaults(t testing.TB, seed uint64, specs ...string) *Faults {
	t.Helper()
	f, err := NewFaults(seed, specs...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// to makes a request of a handler without a server.
func to(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Syllable-API-Key", "key")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// lively returns a platform in the middle of a batch b of 60 calls.
func lively(t testing.TB) *Simulator {
	t.Helper()
	s, clk := newTest(t)
	mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 60})
	clk.advance(4 * time.Minute)
	return s
}

const resultsOfB = api + "/batches/b/results"

// pattern says which of n answers to each path are spoilt.
func pattern(h http.Handler, n int, paths ...string) string {
	var b strings.Builder
	for range n {
		for _, path := range paths {
			fmt.Fprint(&b, to(h, "GET", path, "").Code/100)
		}
	}
	return b.String()
}

func TestFaultsAreDrawnFromTheSeed(t *testing.T) {
	t.Parallel()
	s := lively(t)
	paths := []string{resultsOfB, api + "/batches"}
	run := func(seed uint64) string {
		return pattern(s.Faulty(mustFaults(t, seed, "500:20%", "404:30%@results")), 100, paths...)
	}
	first := run(1)
	if first != run(1) {
		t.Error("one seed hits different answers")
	}
	if first == run(2) {
		t.Error("two seeds hit the same answers")
	}
	// What is hit does not depend on what is asked for in between.
	f := s.Faulty(mustFaults(t, 1, "500:20%", "404:30%@results"))
	alone := pattern(f, 100, resultsOfB)
	var of strings.Builder
	for i := 0; i < len(first); i += 2 {
		of.WriteByte(first[i])
	}
	if alone != of.String() {
		t.Errorf("other requests move the faults:\n%s\n%s", alone, of.String())
	}
	if n := strings.Count(alone, "5"); n < 10 || n > 32 {
		t.Errorf("%d of 100 answers are 500, want about 20", n)
	}
	if n := strings.Count(alone, "4"); n < 12 || n > 38 {
		t.Errorf("%d of 100 answers are 404, want about 24", n)
	}
}

func TestFaultsByPath(t *testing.T) {
	t.Parallel()
	h := lively(t).Faulty(mustFaults(t, 1, "404@results", "500@campaigns"))
	for path, want := range map[string]int{
		resultsOfB: 404, api + "/campaigns": 500, api + "/campaigns/1": 500, api + "/batches": 200, api + "/batches/b": 200,
	} {
		if got := to(h, "GET", path, "").Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

func TestNextComesFirst(t *testing.T) {
	t.Parallel()
	f := mustFaults(t, 1, "500:100%@campaigns")
	h := lively(t).Faulty(f)
	for _, next := range []struct {
		path  string
		n     int
		fault string
	}{{"results", 2, "404"}, {"results", 1, "410"}, {"", 1, "403"}} {
		if err := f.Next(next.path, next.n, next.fault); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	for _, path := range []string{resultsOfB, resultsOfB, resultsOfB, "/campaigns", "/campaigns", resultsOfB} {
		got = append(got, to(h, "GET", api+strings.TrimPrefix(path, api), "").Code)
	}
	if want := []int{404, 404, 410, 403, 500, 200}; !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
	want := map[string]int{"404": 2, "410": 1, "403": 1, "500": 1}
	if got := f.Hits(); !maps.Equal(got, want) {
		t.Errorf("hits %v, want %v", got, want)
	}
	f.Clear()
	if got := to(h, "GET", api+"/campaigns", "").Code; got != 200 {
		t.Errorf("%d after Clear, want 200", got)
	}
	for _, bad := range []struct {
		n     int
		fault string
	}{{0, "500"}, {1, "500:10%"}, {1, "500@x"}, {1, "nothing"}} {
		if f.Next("", bad.n, bad.fault) == nil {
			t.Errorf("Next(%d, %q) passes", bad.n, bad.fault)
		}
	}
}

// Faults change answers and nothing else: a platform that is asked with all of
// them on goes the way of one without. And none of them is without effect.
func TestFaultsChangeOnlyAnswers(t *testing.T) {
	t.Parallel()
	for _, kind := range kindNames() {
		if slices.Contains([]string{"huge", "gzip-bomb", "slow", "hang"}, kind) {
			continue // of these, a server is needed to see the end
		}
		plain, plainClock := newTest(t)
		spoilt, spoiltClock := newTest(t)
		f := mustFaults(t, 3, kind)
		h := spoilt.Faulty(f)
		for _, s := range []*Simulator{plain, spoilt} {
			mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 30})
		}
		for i := range 20 {
			plainClock.advance(20 * time.Second)
			spoiltClock.advance(20 * time.Second)
			body := request(fmt.Sprint(i))
			ask := func(h http.Handler, method, path, body string) (got string) {
				defer func() {
					if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // a panic's value
						panic(v)
					}
				}()
				return to(h, method, path, body).Body.String()
			}
			ask(plain.Handler(), "POST", api+"/batches/b/requests", body)
			ask(h, "POST", api+"/batches/b/requests", body)
			truly := ask(plain.Handler(), "GET", resultsOfB, "")
			if got := ask(h, "GET", resultsOfB, ""); got == truly {
				t.Errorf("%s: answer %d is not spoilt", kind, i)
			}
		}
		if diff := cmp.Diff(truth(t, plain, "b"), truth(t, spoilt, "b")); diff != "" {
			t.Errorf("%s changes the truth:\n%s", kind, diff)
		}
		if f.Hits()[kind] < 20 {
			t.Errorf("%s: %d hits, want 20 or more", kind, f.Hits()[kind])
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := lively(t)
	for argument, check := range map[string]func(string) bool{
		"":      func(v string) bool { return v == "1" },
		"=7":    func(v string) bool { return v == "7" },
		"=-5":   func(v string) bool { return v == "-5" },
		"=none": func(v string) bool { return v == "" },
		"=junk": func(v string) bool { return strings.Contains(v, " ") },
		"=huge": func(v string) bool { return len(v) > 18 && strings.Trim(v, "9") == "" },
		"=date": func(v string) bool { at, err := http.ParseTime(v); return err == nil && time.Until(at) > -time.Second },
		"=past": func(v string) bool { at, err := http.ParseTime(v); return err == nil && time.Since(at) > time.Minute },
	} {
		w := to(s.Faulty(mustFaults(t, 1, "429"+argument)), "GET", resultsOfB, "")
		if got := w.Header().Get("Retry-After"); w.Code != 429 || !check(got) {
			t.Errorf("429%s: %d with Retry-After %q", argument, w.Code, got)
		}
	}
	w := to(s.Faulty(mustFaults(t, 1, "422")), "GET", resultsOfB, "")
	if err := compileOurs(t).validate("validation error", w.Body.Bytes()); w.Code != 422 || err != nil {
		t.Errorf("%d: %v", w.Code, err)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	s := lively(t)
	h := s.Faulty(mustFaults(t, 1, "500"))
	admin := func(method, path, body string, want int) string {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(body)) // without a key
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s %s: %d %s, want %d", method, path, body, w.Code, w.Body, want)
		}
		return w.Body.String()
	}
	to(h, "GET", resultsOfB, "")
	if got, want := admin("GET", "/admin/faults", "", 200), `{"faults":["500"],"next":[],"hits":{"500":1}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	admin("PUT", "/admin/faults", `{"faults": ["404:50%@x", "html@results"]}`, 200)
	if got := to(h, "GET", resultsOfB, "").Header().Get("Content-Type"); !strings.HasPrefix(got, "text/html") {
		t.Errorf("Content-Type %s, want HTML", got)
	}
	admin("POST", "/admin/next", `{"path": "results", "fault": "429=3", "count": 2}`, 200)
	want := `{"faults":["404:50%@x","html@results"],"next":[{"path":"results","fault":"429=3","count":2}],` +
		`"hits":{"500":1,"html":1}}`
	if got := admin("GET", "/admin/faults", "", 200); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	admin("POST", "/admin/next", `{"fault": "403"}`, 200)
	for _, bad := range []struct{ method, path, body string }{
		{"PUT", "/admin/faults", `{}`}, {"PUT", "/admin/faults", `{"faults": ["x"]}`}, {"PUT", "/admin/faults", `x`},
		{"POST", "/admin/next", `{"fault": "x"}`}, {"POST", "/admin/next", `{"fault": "500", "count": -1}`},
		{"POST", "/admin/next", `{}`},
	} {
		admin(bad.method, bad.path, bad.body, 422)
	}
	admin("DELETE", "/admin/faults", "", 200)
	if got := to(h, "GET", resultsOfB, "").Code; got != 200 {
		t.Errorf("%d after DELETE, want 200", got)
	}
	admin("GET", "/admin/nothing", "", 404)
	admin("PATCH", "/admin/faults", "", 404)
	admin("GET", "/admin/truth?batch=none", "", 404)
}

func TestAdminTruth(t *testing.T) {
	t.Parallel()
	s := lively(t)
	h := s.Faulty(mustFaults(t, 1, "500"))
	var all struct {
		Now     time.Time
		Batches []adminBatch
	}
	if err := json.Unmarshal(to(h, "GET", "/admin/truth", "").Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Batches) != 1 || all.Batches[0].BatchID != "b" || !all.Now.Equal(s.Now()) {
		t.Errorf("all: %+v", all)
	}
	body := to(h, "GET", "/admin/truth?batch=b", "").Body.String()
	var one struct {
		Calls []struct {
			ReferenceID   string `json:"reference_id"`
			RequestStatus []struct {
				At    time.Time
				Value *string
			} `json:"request_status"`
			Insights []struct{ Value map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(body), &one); err != nil {
		t.Fatal(err)
	}
	withInsights := 0
	for i, c := range truth(t, s, "b") {
		var got []Moment
		for _, m := range one.Calls[i].RequestStatus {
			got = append(got, Moment{m.At, m.Value})
		}
		if diff := cmp.Diff(c.RequestStatus, got); diff != "" || one.Calls[i].ReferenceID != c.ReferenceID {
			t.Errorf("%s: -want +got\n%s", c.ReferenceID, diff)
		}
		if last := one.Calls[i].Insights[len(one.Calls[i].Insights)-1]; last.Value["summary"] != nil {
			withInsights++
		}
	}
	if withInsights == 0 {
		t.Error("no call has insights")
	}
	if strings.Contains(body, "+1") {
		t.Error("the truth tells phone numbers")
	}
}

// For the race detector: faults are changed while they are in use.
func TestConcurrentFaults(t *testing.T) {
	t.Parallel()
	f := mustFaults(t, 1)
	h := lively(t).Faulty(f)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 30 {
				f.Set("500:50%", "shuffle:50%")
				f.Next("results", 1, "html")
				io.Discard.Write(to(h, "GET", resultsOfB, "").Body.Bytes())
				if i%10 == 0 {
					f.Clear()
				}
				f.Hits()
			}
		})
	}
	wg.Wait()
}
