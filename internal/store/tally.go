package store

// maxTally bounds how many pairs of statuses are told apart, since the record
// of a batch is written with every change. The platform has about 60.
const maxTally = 500

// otherStatuses counts the pairs past maxTally together.
const otherStatuses = "~other"

// Tally counts calls by request_status, and within each by
// channel_manager_status, "" for null.
type Tally map[string]map[string]int

// Add adds n calls, which may be negative, and returns the tally.
func (t Tally) Add(request, channel string, n int) Tally {
	if t == nil {
		t = Tally{}
	}
	if _, known := t[request][channel]; !known && (n < 0 || t.pairs() >= maxTally) {
		request, channel = otherStatuses, ""
	}
	counts := t[request]
	if counts == nil {
		counts = map[string]int{}
		t[request] = counts
	}
	if counts[channel] += n; counts[channel] <= 0 {
		delete(counts, channel)
	}
	if len(counts) == 0 {
		delete(t, request)
	}
	return t
}

// Total returns how many calls are counted.
func (t Tally) Total() int {
	n := 0
	for _, counts := range t {
		for _, c := range counts {
			n += c
		}
	}
	return n
}

func (t Tally) pairs() int {
	n := 0
	for _, counts := range t {
		n += len(counts)
	}
	return n
}
