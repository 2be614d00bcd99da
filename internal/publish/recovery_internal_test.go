package publish

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"
)

func serverWaits(n int, consumer, stream uint64) *jetstream.ConsumerInfo {
	return &jetstream.ConsumerInfo{
		NumAckPending: n, Delivered: jetstream.SequenceInfo{Consumer: consumer, Stream: stream},
	}
}

func hand(sequences ...uint64) *schedule {
	s := newSchedule()
	for _, n := range sequences {
		s.add(someItem(n, int(n%5)))
	}
	return s
}

func TestRecoveryWaitsForWhatIsOut(t *testing.T) {
	t.Parallel()
	r := newRecovery(serverWaits(0, 7, 9))
	if !r.complete || r.received(8) || !r.check(hand(10)) {
		t.Error("it waits, though nothing is out")
	}
	r = newRecovery(serverWaits(2, 7, 9))
	for _, tt := range []struct {
		of   []uint64
		want bool
	}{{nil, false}, {[]uint64{10, 11}, false}, {[]uint64{8, 10}, false}, {[]uint64{3, 9, 10}, true}} {
		again := r
		if again.check(hand(tt.of...)) != tt.want {
			t.Errorf("with %v in hand it is complete: %v, want %v", tt.of, !tt.want, tt.want)
		}
	}
}

// What is under way is not counted: the server may have its acknowledgement.
func TestRecoveryCountsWhatWaitsAlone(t *testing.T) {
	t.Parallel()
	r, s := newRecovery(serverWaits(2, 7, 9)), hand(8, 9)
	i := s.next(1, 1, nil)
	if r.check(s) {
		t.Error("it is complete with one of two under way")
	}
	s.back(i)
	if !r.check(s) {
		t.Error("it is not complete with both waiting")
	}
}

func TestRecoveryNeedsAnotherLookAfterAMissedDelivery(t *testing.T) {
	t.Parallel()
	r := newRecovery(serverWaits(1, 7, 9))
	if !r.received(9) {
		t.Error("it did not miss number 8")
	}
	if r.check(hand(9)) {
		t.Error("it goes by what the server said before that")
	}
	before := r.missed
	if r.received(10) || !r.received(12) {
		t.Error("it did not miss number 11")
	}
	if r.looked(serverWaits(2, 12, 11), 1, before) || r.check(hand(9, 10)) {
		t.Error("it takes a look that was begun before it missed the last one")
	}
	if !r.looked(serverWaits(2, 12, 11), 1, r.missed) || r.check(hand(9)) || !r.check(hand(9, 10)) {
		t.Error("it does not go by the new look")
	}
}

// What has aged out of the stream is in hand, but the server has forgotten it.
func TestRecoveryLeavesOutWhatAgedAway(t *testing.T) {
	t.Parallel()
	r := newRecovery(serverWaits(3, 7, 9))
	if !r.looked(serverWaits(2, 7, 9), 5, 0) || r.check(hand(3, 4, 9)) || !r.check(hand(3, 4, 8, 9)) {
		t.Error("it counts what has aged out of the stream")
	}
}

// TestRecoveryNeverEndsEarly has a server deliver, to us and to nobody, and deliver
// again, in any order: whenever the recovery is complete, no event that the server
// waits for is missing.
func TestRecoveryNeverEndsEarly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var number, last uint64
		pending := map[uint64]bool{} // whether it is in our hands
		out := rapid.IntRange(0, 3).Draw(t, "out at the start")
		for range out {
			number, last = number+1, last+1
			pending[last] = false
		}
		r, s := newRecovery(serverWaits(out, number, last)), newSchedule()
		ours := func(sequence uint64) {
			r.received(number)
			if s.find(sequence) == nil {
				s.add(someItem(sequence, int(sequence%5)))
			}
			pending[sequence] = true
		}
		asked, missed := (*jetstream.ConsumerInfo)(nil), 0
		t.Repeat(map[string]func(*rapid.T){
			"new":  func(*rapid.T) { number, last = number+1, last+1; ours(last) },
			"lost": func(*rapid.T) { number, last = number+1, last+1; pending[last] = false },
			"again": func(t *rapid.T) {
				if last == 0 {
					t.Skip("nothing was delivered")
				}
				sequence := rapid.Uint64Range(1, last).Draw(t, "sequence")
				if _, waits := pending[sequence]; !waits {
					t.Skip("it was settled")
				}
				number++
				ours(sequence)
			},
			"settled": func(t *rapid.T) {
				if i := s.next(1, 1000, nil); i != nil && r.complete {
					delete(pending, i.sequence)
					s.settle(i)
				} else if i != nil {
					s.back(i)
				}
			},
			"ask": func(*rapid.T) { asked, missed = serverWaits(len(pending), number, last), r.missed },
			"answer": func(*rapid.T) {
				if asked != nil {
					r.looked(asked, 0, missed)
				}
				asked = nil
			},
			"": func(t *rapid.T) {
				if !r.check(s) {
					return
				}
				// A delivery that is lost shows with the next one that is not:
				// until then only what is newer may be missing.
				newest := uint64(0)
				s.unsettled(func(i *item) { newest = i.sequence })
				for sequence, here := range pending {
					if !here && sequence < newest {
						t.Fatalf("complete, but %d is out, and %d in hand", sequence, newest)
					}
				}
			},
		})
	})
}
