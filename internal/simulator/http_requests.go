package simulator

import (
	"encoding/json"
	"net/http"
)

// getResults answers with all calls in the order of creation. An empty filter
// is no filter.
func (s *Simulator) getResults(r *http.Request) (any, error) {
	q := r.URL.Query()
	ref, status, insights := q.Get("reference_id"), q.Get("status"), q.Get("insights_status")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance()
	b, err := s.batch(r)
	if err != nil {
		return nil, err
	}
	calls := b.calls
	if ref != "" {
		calls = nil
		if c, ok := b.byRef[ref]; ok {
			calls = []*call{c}
		}
	}
	// The buffer is not kept for the next request: it is still being sent
	// when the lock is gone.
	out := make([]byte, 0, 2+b.bytes)
	out = append(out, '[')
	for _, c := range calls {
		if c.removed || status != "" && status != c.request.value() ||
			insights != "" && insights != c.insight.value() {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, c.encoded()...)
	}
	out = append(out, ']')
	if len(q) == 0 {
		b.bytes = len(out) + len(out)/16
	}
	return json.RawMessage(out), nil
}

// requestInput is the body that adds a request. Pointers tell null and absent
// from empty.
type requestInput struct {
	ReferenceID      *string            `json:"reference_id"`
	Target           *string            `json:"target"`
	RequestVariables map[string]*string `json:"request_variables"`
}

func (in requestInput) request() (Request, error) {
	switch {
	case in.ReferenceID == nil:
		return Request{}, invalid("body", "reference_id", "missing", "is required")
	case in.Target == nil:
		return Request{}, invalid("body", "target", "missing", "is required")
	case in.RequestVariables == nil:
		return Request{}, invalid("body", "request_variables", "missing", "is required")
	}
	r := Request{*in.ReferenceID, *in.Target, make(map[string]string, len(in.RequestVariables))}
	for key, value := range in.RequestVariables {
		if value == nil {
			return Request{}, invalid("body", "request_variables", "string_type", "values must be strings")
		}
		r.Variables[key] = *value
	}
	return r, nil
}

// postRequest adds one request and answers with it; what the platform answers
// is not documented. A batch that has expired takes none, for it would not
// dial it.
func (s *Simulator) postRequest(r *http.Request) (any, error) {
	var in requestInput
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	b, err := s.batch(r)
	if err != nil {
		return nil, err
	}
	req, err := in.request()
	if err != nil {
		return nil, err
	}
	_, taken := b.byRef[req.ReferenceID]
	if err := validateRequest(req, taken); err != nil {
		return nil, invalidBody(err)
	}
	if b.expired {
		return nil, invalid("path", "batch_id", "value_error", "the batch has expired")
	}
	c := s.add(b, req, now)
	s.arm(b, now)
	return json.RawMessage(c.encoded()), nil
}

// removeRequests removes the calls it knows and passes over the others; it
// answers with how many it removed.
func (s *Simulator) removeRequests(r *http.Request) (any, error) {
	var refs []string
	if err := decode(r, &refs); err != nil {
		return nil, err
	}
	if refs == nil {
		return nil, invalid("body", "", "list_type", "must be an array of reference ids")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	b, err := s.batch(r)
	if err != nil {
		return nil, err
	}
	removed := 0
	for _, ref := range refs {
		if c, ok := b.byRef[ref]; ok {
			b.remove(c, now)
			removed++
		}
	}
	s.arm(b, now)
	return map[string]int{"removed": removed}, nil
}
