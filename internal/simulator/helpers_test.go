package simulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 8, 22, 9, 0, 0, 0, time.UTC)

const api = "/api/v1/outbound"

// clock is a real clock that moves when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newTest returns a simulator of seed 7 at epoch, and its clock.
func newTest(t testing.TB) (*Simulator, *clock) {
	t.Helper()
	c := &clock{now: epoch}
	return New(Options{Seed: 7, Now: c.Now}), c
}

// mustCreate adds a campaign and a batch of it.
func mustCreate(t testing.TB, s *Simulator, c Campaign, n NewBatch) {
	t.Helper()
	n.CampaignID = s.AddCampaign(c)
	if err := s.CreateBatch(n); err != nil {
		t.Fatal(err)
	}
}

// send makes a request with a key and returns status and body.
func send(s *Simulator, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Syllable-API-Key", "key")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// mustSend expects a 200 and decodes its body.
func mustSend[T any](t testing.TB, s *Simulator, method, path, body string) T {
	t.Helper()
	status, got := send(s, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: status %d: %s", method, path, status, got)
	}
	var v T
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, got)
	}
	return v
}

// result is what these tests read of a call; it is not the simulator's own
// type, so that a renamed field is noticed.
type result struct {
	ReferenceID          string            `json:"reference_id"`
	Target               string            `json:"target"`
	RequestVariables     map[string]string `json:"request_variables"`
	RequestStatus        string            `json:"request_status"`
	ChannelManagerStatus *string           `json:"channel_manager_status"`
	InsightsStatus       *string           `json:"insights_status"`
	AttemptCount         int               `json:"attempt_count"`
	Insights             map[string]any    `json:"insights"`
}

func results(t testing.TB, s *Simulator, batch string) []result {
	t.Helper()
	return mustSend[[]result](t, s, "GET", api+"/batches/"+batch+"/results", "")
}

func truth(t testing.TB, s *Simulator, batch string) []CallTruth {
	t.Helper()
	calls, ok := s.Truth(batch)
	if !ok {
		t.Fatalf("no batch %q", batch)
	}
	return calls
}

func values(moments []Moment) string {
	var all []string
	for _, m := range moments {
		all = append(all, text(m.Value))
	}
	return strings.Join(all, " ")
}

func text(v *string) string {
	if v == nil {
		return "null"
	}
	return *v
}

// runDry moves the clock until the batch is finished.
func runDry(t testing.TB, s *Simulator, c *clock, batch string) {
	t.Helper()
	for range 10_000 {
		if s.Finished(batch) {
			return
		}
		c.advance(time.Minute)
	}
	t.Fatalf("batch %q does not finish: %+v", batch, s.Progress(batch))
}
