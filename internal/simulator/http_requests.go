package simulator

import (
	"encoding/json"
	"net/http"
)

// requestInput is the body that adds a request. Pointers tell null and absent
// from empty.
type requestInput struct {
	ReferenceID      *string            `json:"reference_id"`
	Target           *string            `json:"target"`
	RequestVariables map[string]*string `json:"request_variables"`
}

func (in requestInput) request() (Request, error) {
	var p problems
	if in.ReferenceID == nil {
		p.missing("body", "reference_id")
	}
	if in.Target == nil {
		p.missing("body", "target")
	}
	if in.RequestVariables == nil {
		p.missing("body", "request_variables")
	}
	variables := make(map[string]string, len(in.RequestVariables))
	for key, value := range in.RequestVariables {
		if value == nil {
			p.add("string_type", "must be a string", "body", "request_variables", key)
			continue
		}
		variables[key] = *value
	}
	if err := p.err(); err != nil {
		return Request{}, err
	}
	return Request{*in.ReferenceID, *in.Target, variables}, nil
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
	b, err := s.change(r)
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
	b, err := s.change(r)
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
