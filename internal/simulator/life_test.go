package simulator

import (
	"slices"
	"testing"
	"time"
)

// certain returns a campaign at one call a second in which every call ends in
// the way that set chooses.
func certain(set func(*Mix)) Campaign {
	var m Mix
	set(&m)
	return Campaign{HourlyRate: 3600, Mix: &m}
}

func TestAnsweredCall(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b", Calls: 1})
	runDry(t, s, clk, "b")
	c := truth(t, s, "b")[0]
	if got, want := values(c.RequestStatus), "PENDING INITIATED CONNECTED COMPLETED"; got != want {
		t.Errorf("request_status %s, want %s", got, want)
	}
	if got, want := values(c.ChannelManagerStatus), "null QUEUED IN-PROGRESS COMPLETED"; got != want {
		t.Errorf("channel_manager_status %s, want %s", got, want)
	}
	if got, want := values(c.InsightsStatus), "null PENDING PROCESSING COMPLETED"; got != want {
		t.Errorf("insights_status %s, want %s", got, want)
	}
	talk := c.RequestStatus[3].At.Sub(c.RequestStatus[2].At)
	in := results(t, s, "b")[0].Insights
	if got := in["call_duration_seconds"]; got != float64(talk/time.Second) {
		t.Errorf("call_duration_seconds %v, the call took %v", got, talk)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	loud := certain(func(m *Mix) { m.NoAnswer = 1 })
	loud.RetryCount, loud.RetryInterval = 2, time.Hour
	quiet := loud
	quiet.QuietRetry = true
	for _, tt := range []struct {
		name        string
		campaign    Campaign
		wantRequest string
	}{
		{"loud", loud, "PENDING INITIATED FAILED INITIATED FAILED INITIATED FAILED"},
		{"quiet", quiet, "PENDING INITIATED FAILED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, clk := newTest(t)
			mustCreate(t, s, tt.campaign, NewBatch{ID: "b", Calls: 1})
			clk.advance(time.Minute)
			if s.Finished("b") {
				t.Error("finished with a retry outstanding")
			}
			runDry(t, s, clk, "b")
			c := truth(t, s, "b")[0]
			if got := values(c.RequestStatus); got != tt.wantRequest {
				t.Errorf("request_status %s, want %s", got, tt.wantRequest)
			}
			want := "null QUEUED NO-ANSWER QUEUED NO-ANSWER QUEUED NO-ANSWER"
			if got := values(c.ChannelManagerStatus); got != want {
				t.Errorf("channel_manager_status %s, want %s", got, want)
			}
			if wait := c.ChannelManagerStatus[3].At.Sub(c.ChannelManagerStatus[2].At); wait != time.Hour {
				t.Errorf("dialled again after %v, want 1h", wait)
			}
			if got := results(t, s, "b")[0].AttemptCount; got != 3 {
				t.Errorf("attempt_count %d, want 3", got)
			}
		})
	}
}

func TestPauseStopsDialling(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b", Calls: 100})
	clk.advance(dispatchDelay + 9500*time.Millisecond) // dials at 0 s … 9 s
	mustSend[any](t, s, "PUT", api+"/batches/b", `{"paused": true}`)
	clk.advance(time.Hour)
	if got := s.Progress("b").RequestStatus["PENDING"]; got != 90 {
		t.Errorf("%d calls PENDING an hour after the pause, want 90", got)
	}
	if got := s.Progress("b").RequestStatus["COMPLETED"]; got != 10 {
		t.Errorf("%d calls COMPLETED during the pause, want 10: calls on the line go on", got)
	}
	if got := s.Batches()[0].Status; got != "PAUSED" {
		t.Errorf("status %s, want PAUSED", got)
	}
	mustSend[any](t, s, "PUT", api+"/batches/b", `{"paused": false, "call_rate": 1800}`)
	clk.advance(19 * time.Second) // one every 2 s, the first at once
	if got := s.Progress("b").RequestStatus["PENDING"]; got != 80 {
		t.Errorf("%d calls PENDING after the resumption, want 80", got)
	}
	runDry(t, s, clk, "b")
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	c := certain(func(m *Mix) { m.Busy = 1 })
	c.RetryCount, c.QuietRetry = 5, true
	s, clk := newTest(t)
	end := epoch.Add(dispatchDelay + 30500*time.Millisecond) // dials at 0 s … 30 s
	mustCreate(t, s, c, NewBatch{ID: "b", Calls: 100, ExpiresOn: end})
	clk.advance(time.Hour)
	if !s.Finished("b") {
		t.Errorf("not finished after its end: %+v", s.Progress("b"))
	}
	p := s.Progress("b").RequestStatus
	if p["FAILED"] != 31 || p["CANCELED"] != 69 {
		t.Errorf("counts %v, want 31 FAILED and 69 CANCELED", p)
	}
	if got := s.Batches()[0].Status; got != "EXPIRED" {
		t.Errorf("status %s, want EXPIRED", got)
	}
	if status, _ := send(s, "POST", api+"/batches/b/requests", request("late")); status != 422 {
		t.Errorf("adding to an expired batch: status %d, want 422", status)
	}
}

func request(ref string) string {
	return `{"reference_id": "` + ref + `", "target": "+12065550142", "request_variables": {"clinic": "A & B"}}`
}

func TestAddAndRemove(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	mustCreate(t, s, certain(func(m *Mix) { m.Answered = 1 }), NewBatch{ID: "b", Calls: 3})
	runDry(t, s, clk, "b")

	added := mustSend[result](t, s, "POST", api+"/batches/b/requests", request("new"))
	if added.ReferenceID != "new" || added.RequestVariables["clinic"] != "A & B" {
		t.Errorf("answered with %+v", added)
	}
	if s.Finished("b") {
		t.Error("finished although a call was added")
	}
	if status, _ := send(s, "POST", api+"/batches/b/requests", request("new")); status != 422 {
		t.Errorf("duplicate reference id: status %d, want 422", status)
	}
	clk.advance(10 * time.Second) // the new call is on the line

	removed := mustSend[map[string]int](t, s, "POST", api+"/batches/b/remove-requests", `["new", "ref-000002", "unknown"]`)
	if removed["removed"] != 2 {
		t.Errorf("removed %v, want 2", removed)
	}
	if !s.Finished("b") {
		t.Error("not finished although the open call was removed")
	}
	clk.advance(time.Hour)
	var refs []string
	for _, r := range results(t, s, "b") {
		refs = append(refs, r.ReferenceID)
	}
	if want := []string{"ref-000001", "ref-000003"}; !slices.Equal(refs, want) {
		t.Errorf("left are %v, want %v", refs, want)
	}
	if got := s.Progress("b"); got.Calls != 2 || got.RequestStatus["COMPLETED"] != 2 {
		t.Errorf("progress %+v, want 2 COMPLETED", got)
	}
	last := truth(t, s, "b")[3]
	if !last.Removed || values(last.RequestStatus) == "PENDING INITIATED CONNECTED COMPLETED" {
		t.Errorf("removed call: %+v, want its past to end at the removal", last)
	}
	mustSend[any](t, s, "POST", api+"/batches/b/requests", request("new")) // the id is free again
	runDry(t, s, clk, "b")
}

func TestRequestsAtCreation(t *testing.T) {
	t.Parallel()
	s, clk := newTest(t)
	all := DefaultMix()
	all.Invalid, all.Duplicate, all.Canceled = 0.2, 0.2, 0.2
	mustCreate(t, s, Campaign{HourlyRate: 3600, Mix: &all}, NewBatch{ID: "b", Calls: 200, Requests: []Request{
		{ReferenceID: "bad", Target: "nobody"}, {ReferenceID: "good", Target: "206-555-0142"},
	}})
	p := s.Progress("b").RequestStatus
	if p["INVALID"] < 20 || p["DUPLICATE"] < 20 || p["PENDING"] != 202-p["INVALID"]-p["DUPLICATE"] {
		t.Errorf("at creation %v", p)
	}
	calls := truth(t, s, "b")
	if got := values(calls[200].RequestStatus); got != "INVALID" {
		t.Errorf("request_status %s for a target without digits, want INVALID", got)
	}
	if got := values(calls[201].RequestStatus); got != "PENDING" {
		t.Errorf("request_status %s for a national number, want PENDING", got)
	}
	runDry(t, s, clk, "b")
	if got := s.Progress("b").RequestStatus["CANCELED"]; got < 10 {
		t.Errorf("%d calls CANCELED, want about 24", got)
	}
}

func TestNoInsights(t *testing.T) {
	t.Parallel()
	c := certain(func(m *Mix) { m.Machine = 1 })
	c.NoInsights = true
	s, clk := newTest(t)
	mustCreate(t, s, c, NewBatch{ID: "b", Calls: 5})
	runDry(t, s, clk, "b")
	if got := s.Progress("b"); len(got.InsightsStatus) != 0 || got.RequestStatus["COMPLETED"] != 5 {
		t.Errorf("progress %+v, want 5 COMPLETED without insights", got)
	}
}

func TestCreateBatchRefuses(t *testing.T) {
	t.Parallel()
	s, _ := newTest(t)
	mustCreate(t, s, Campaign{}, NewBatch{ID: "b", Calls: 1})
	for name, n := range map[string]NewBatch{
		"no id":               {CampaignID: 1},
		"id in use":           {ID: "b", CampaignID: 1},
		"unknown campaign":    {ID: "c", CampaignID: 2},
		"rate too high":       {ID: "c", CampaignID: 1, CallRate: 3601},
		"negative calls":      {ID: "c", CampaignID: 1, Calls: -1},
		"generated reference": {ID: "c", CampaignID: 1, Calls: 1, Requests: []Request{{"ref-000001", "+12065550142", nil}}},
		"repeated reference": {
			ID: "c", CampaignID: 1, Requests: []Request{{"a", "+12065550142", nil}, {"a", "+12065550143", nil}},
		},
		"empty target": {ID: "c", CampaignID: 1, Requests: []Request{{ReferenceID: "a"}}},
	} {
		if err := s.CreateBatch(n); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := len(s.Batches()); got != 1 {
		t.Errorf("%d batches after refusals, want 1", got)
	}
}
