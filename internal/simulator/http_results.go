package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/zeebo/xxh3"
)

// getResults answers with all calls that the filters leave. An empty filter is
// no filter.
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
	calls := s.inOrder(b)
	if ref != "" {
		calls = nil
		if c, ok := b.byRef[ref]; ok {
			calls = []*call{c}
		}
	}
	if s.isEmptied(b) {
		calls = nil
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
	return s.validated(b, out), nil
}

// inOrder returns the calls in the order in which they are to be listed. The
// caller does not change them.
func (s *Simulator) inOrder(b *batch) []*call {
	b.answers++
	switch s.unknown.Order {
	case OrderUpdated:
		calls := slices.Clone(b.calls)
		slices.SortStableFunc(calls, func(a, b *call) int { return a.changed.Compare(b.changed) })
		return calls
	case OrderRandom:
		calls := slices.Clone(b.calls)
		r := s.random(b.id, strconv.FormatUint(b.answers, 10), "order")
		r.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
		return calls
	}
	return b.calls
}

// validated adds the validators that the platform was told to have. The ETag
// stands for the bytes, whatever the filters and the order.
func (s *Simulator) validated(b *batch, body json.RawMessage) resource {
	r := resource{body: body, now: s.reached}
	if s.unknown.hasETag() {
		r.etag = fmt.Sprintf(`"%016x"`, xxh3.Hash(body))
	}
	if s.unknown.hasLastModified() {
		r.modified = b.changed
	}
	return r
}
