package simulator

import (
	"net/http/httptest"
	"testing"
	"time"
)

// BenchmarkResults polls a batch of 10,000 calls, some of which change between
// two polls.
func BenchmarkResults(b *testing.B) {
	for name, step := range map[string]time.Duration{"unchanged": 0, "every 10 s": 10 * time.Second} {
		b.Run(name, func(b *testing.B) {
			s, clk := newTest(b)
			mustCreate(b, s, Campaign{HourlyRate: maxRate}, NewBatch{ID: "b", Calls: 10_000})
			clk.advance(time.Hour)
			b.ReportAllocs()
			for b.Loop() {
				clk.advance(step)
				r := httptest.NewRequest("GET", api+"/batches/b/results", nil)
				r.Header.Set("Syllable-API-Key", "key")
				w := httptest.NewRecorder()
				s.Handler().ServeHTTP(w, r)
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}

// BenchmarkFirstResults is the worst case: nothing is encoded yet.
func BenchmarkFirstResults(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s, clk := newTest(b)
		mustCreate(b, s, Campaign{HourlyRate: maxRate}, NewBatch{ID: "b", Calls: 10_000})
		clk.advance(4 * time.Hour)
		s.Now()
		b.StartTimer()
		send(s, "GET", api+"/batches/b/results", "")
	}
}

func BenchmarkProgress(b *testing.B) {
	s, _ := newTest(b)
	mustCreate(b, s, Campaign{}, NewBatch{ID: "b", Calls: 10_000})
	for b.Loop() {
		s.Progress()
		s.Finished("b")
	}
}
