package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Faulty returns the API with its answers spoilt by f, and beside it, outside
// the API and without a key, the endpoints under /admin that the package doc
// describes.
func (s *Simulator) Faulty(f *Faults) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /admin/truth", endpoint(s.adminTruth))
	mux.Handle("/", f.WithAdmin(s.Handler()))
	return mux
}

// WithAdmin is Wrap with the endpoints that change f beside it. They are never
// spoilt, and change nothing but f.
func (f *Faults) WithAdmin(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /admin/faults", endpoint(func(*http.Request) (any, error) { return f.state(), nil }))
	mux.Handle("PUT /admin/faults", endpoint(f.put))
	mux.Handle("DELETE /admin/faults", endpoint(func(*http.Request) (any, error) {
		f.Clear()
		return f.state(), nil
	}))
	mux.Handle("POST /admin/next", endpoint(f.postNext))
	mux.HandleFunc("/admin/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, &httpError{http.StatusNotFound, "there are GET, PUT and DELETE /admin/faults, " +
			"POST /admin/next, and of a simulated platform GET /admin/truth"})
	})
	mux.Handle("/", f.Wrap(next))
	return mux
}

func (f *Faults) put(r *http.Request) (any, error) {
	var in struct {
		Faults []string `json:"faults"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.Faults == nil {
		return nil, invalid("body", "faults", "missing", "Field required")
	}
	if err := f.Set(in.Faults...); err != nil {
		return nil, invalid("body", "faults", "value_error", err.Error())
	}
	return f.state(), nil
}

func (f *Faults) postNext(r *http.Request) (any, error) {
	in := nextState{Count: 1}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if err := f.Next(in.Path, in.Count, in.Fault); err != nil {
		return nil, invalid("body", "", "value_error", err.Error())
	}
	return f.state(), nil
}

// adminBatch is BatchTruth and what happened to its calls.
type adminBatch struct {
	BatchID       string      `json:"batch_id"`
	CampaignID    int64       `json:"campaign_id"`
	Status        string      `json:"status"`
	CreatedAt     time.Time   `json:"created_at"`
	LastUpdatedAt time.Time   `json:"last_updated_at"`
	Finished      bool        `json:"finished"`
	Calls         []adminCall `json:"calls,omitempty"`
}

type adminCall struct {
	ReferenceID          string        `json:"reference_id"`
	Removed              bool          `json:"removed"`
	RequestStatus        []adminMoment `json:"request_status"`
	ChannelManagerStatus []adminMoment `json:"channel_manager_status"`
	InsightsStatus       []adminMoment `json:"insights_status"`
	Insights             []adminMoment `json:"insights"`
}

type adminMoment struct {
	At    time.Time `json:"at"`
	Value any       `json:"value"`
}

// adminTruth answers with all batches, or with one and its calls.
func (s *Simulator) adminTruth(r *http.Request) (any, error) {
	if !r.URL.Query().Has("batch") {
		all := []adminBatch{}
		for _, b := range s.Batches() {
			all = append(all, b.admin())
		}
		return map[string]any{"now": s.Now(), "batches": all}, nil
	}
	id := r.URL.Query().Get("batch")
	for _, b := range s.Batches() {
		if b.ID != id {
			continue
		}
		a := b.admin()
		calls, _ := s.Truth(id)
		for _, c := range calls {
			a.Calls = append(a.Calls, c.admin())
		}
		return a, nil
	}
	return nil, &httpError{http.StatusNotFound, fmt.Sprintf("there is no batch %q", id)}
}

func (b BatchTruth) admin() adminBatch {
	return adminBatch{
		BatchID: b.ID, CampaignID: b.CampaignID, Status: b.Status, CreatedAt: b.CreatedAt,
		LastUpdatedAt: b.LastUpdatedAt, Finished: b.Finished,
	}
}

func (c CallTruth) admin() adminCall {
	return adminCall{
		ReferenceID: c.ReferenceID, Removed: c.Removed,
		RequestStatus:        adminMoments(c.RequestStatus, func(v string) any { return v }),
		ChannelManagerStatus: adminMoments(c.ChannelManagerStatus, func(v string) any { return v }),
		InsightsStatus:       adminMoments(c.InsightsStatus, func(v string) any { return v }),
		Insights:             adminMoments(c.Insights, func(v string) any { return json.RawMessage(v) }),
	}
}

func adminMoments(past []Moment, value func(string) any) []adminMoment {
	all := make([]adminMoment, len(past))
	for i, m := range past {
		all[i].At = m.At
		if m.Value != nil {
			all[i].Value = value(*m.Value)
		}
	}
	return all
}
