package ops

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// maxSeries bounds how many batches have series of their own, and maxLabel the
// value of a label, in bytes.
const (
	maxSeries = 500
	maxLabel  = 128
)

// leading returns the n batches that matter most: those where something moves,
// then quiet ones, then those that are over, and of each the newest. None of it
// depends on when which was polled: a batch that is in one scrape and not in the
// next would have gaps that look like faults.
func leading(batches []Batch, n int) []Batch {
	if len(batches) <= n {
		return batches
	}
	sorted := slices.Clone(batches)
	slices.SortFunc(sorted, func(a, b Batch) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), compareFound(b, a), cmp.Compare(b.ID, a.ID))
	})
	return sorted[:n]
}

func rank(b Batch) int {
	switch b.State {
	case BatchQuiet:
		return 1
	case BatchSettled, BatchGone:
		return 2
	}
	return 0
}

func compareFound(a, b Batch) int {
	if a.Found == nil || b.Found == nil {
		return 0
	}
	return a.Found.Compare(*b.Found)
}

// series takes metrics; labels are names and values in turn.
type series struct{ ch chan<- prometheus.Metric }

func (s series) gauge(name, help string, v float64, labels ...string) {
	s.add(prometheus.GaugeValue, name, help, v, labels)
}

func (s series) counter(name, help string, v float64, labels ...string) {
	s.add(prometheus.CounterValue, name, help, v, labels)
}

// known gives a gauge unless its value is not known: 0 would say that nothing
// is there.
func (s series) known(name, help string, v *uint64, labels ...string) {
	if v != nil {
		s.gauge(name, help, float64(*v), labels...)
	}
}

func (s series) add(kind prometheus.ValueType, name, help string, v float64, labels []string) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, label(labels[i+1]))
	}
	s.ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, v, values...)
}

// label makes a value of the platform's fit for a label: valid UTF-8, of bounded
// length. One that has to be changed gets a hash of what it was, so that two
// batches never become one: a series that comes twice is an error.
func label(v string) string {
	fit := strings.ToValidUTF8(v, "\uFFFD")
	if fit == v && len(v) <= maxLabel {
		return v
	}
	sum := sha256.Sum256([]byte(v))
	mark := "~" + hex.EncodeToString(sum[:8])
	if most := maxLabel - len(mark); len(fit) > most {
		fit = strings.ToValidUTF8(fit[:most], "") // the cut may have parted a character
	}
	return fit + mark
}
