package publish

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

// someItem returns an item of one of the calls a, b, c and so on.
func someItem(sequence uint64, call int) *item {
	id := event.ID{Store: "s", Batch: "b", Reference: string(rune('a' + call)), Revision: sequence}
	return &item{sequence: sequence, event: event.Event{ID: id}}
}

// modelItem is an item as the model of schedule has it: nothing is merged, and
// all is searched for.
type modelItem struct {
	real  *item
	call  event.ID
	state itemState
}

type scheduleModel struct{ items []*modelItem }

func (m *scheduleModel) count(state itemState) int {
	n := 0
	for _, i := range m.items {
		if i.state == state {
			n++
		}
	}
	return n
}

// next is what schedule promises, said as plainly as it can be.
func (m *scheduleModel) next(bound int, full bool, first *item) *modelItem {
	if m.count(itemUnderWay) >= bound {
		return nil
	}
	oldest := true
	for _, i := range m.items {
		if i.state == itemSettled {
			continue
		}
		busy := slices.ContainsFunc(m.items, func(o *modelItem) bool {
			return o.state == itemUnderWay && o.call == i.call
		})
		preferred := first != nil && first.state == itemWaiting
		allowed := !full || oldest
		if preferred {
			allowed = i.call == callOf(first.event)
		}
		if i.state == itemWaiting && !busy && allowed {
			return i
		}
		oldest = false
	}
	return nil
}

func (m *scheduleModel) trim() uint64 {
	var last uint64
	for len(m.items) > 0 && m.items[0].state == itemSettled {
		last = m.items[0].real.sequence
		m.items = m.items[1:]
	}
	return last
}

// TestScheduleAgainstAModel does to a schedule whatever can be done to one.
func TestScheduleAgainstAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, m := newSchedule(), &scheduleModel{}
		unused := sequences(60)
		// Out of order, an item may come between two that were merged. The place
		// then moves later than it could, which is no harm.
		inOrder := rapid.Bool().Draw(t, "in order")
		if !inOrder {
			unused = rapid.Permutation(unused).Draw(t, "sequences")
		}
		underWay := func() *modelItem {
			var all []*modelItem
			for _, i := range m.items {
				if i.state == itemUnderWay {
					all = append(all, i)
				}
			}
			if len(all) == 0 {
				t.Skip("nothing is under way")
			}
			return rapid.SampledFrom(all).Draw(t, "item")
		}
		take := func(state itemState) *item {
			if len(unused) == 0 {
				t.Skip("all sequences are used")
			}
			i := someItem(unused[0], rapid.IntRange(0, 4).Draw(t, "call"))
			unused = unused[1:]
			m.items = append(m.items, &modelItem{i, callOf(i.event), state})
			slices.SortFunc(m.items, func(a, b *modelItem) int { return int(a.real.sequence) - int(b.real.sequence) })
			return i
		}
		var first *item
		t.Repeat(map[string]func(*rapid.T){
			"add":  func(*rapid.T) { s.add(take(itemWaiting)) },
			"pass": func(*rapid.T) { s.pass(take(itemSettled).sequence, time.Time{}, event.ID{}) },
			"next": func(t *rapid.T) {
				bound, limit := rapid.IntRange(0, 4).Draw(t, "bound"), rapid.IntRange(1, 20).Draw(t, "limit")
				want, got := m.next(bound, s.ahead >= limit, first), s.next(bound, limit, first)
				switch {
				case want == nil && got == nil:
				case want == nil || got != want.real:
					t.Fatalf("next is %v, want %v", got, want)
				default:
					want.state = itemUnderWay
				}
			},
			"settle": func(*rapid.T) {
				i := underWay()
				s.settle(i.real)
				i.state = itemSettled
			},
			"back": func(t *rapid.T) {
				i := underWay()
				s.back(i.real)
				i.state = itemWaiting
				if rapid.Bool().Draw(t, "it is the first") {
					first = i.real
				}
			},
			"trim": func(t *rapid.T) {
				want := m.trim()
				var got uint64
				if last := s.trim(); last != nil {
					got = last.sequence
				}
				if got > want || inOrder && got != want {
					t.Fatalf("the place moves behind %d, want %d", got, want)
				}
			},
			"": func(t *rapid.T) { m.compare(t, s, inOrder) },
		})
	})
}

func sequences(n uint64) []uint64 {
	var all []uint64
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

func (m *scheduleModel) compare(t *rapid.T, s *schedule, inOrder bool) {
	var want, got []uint64
	for _, i := range m.items {
		if i.state != itemSettled {
			want = append(want, i.real.sequence)
			if s.find(i.real.sequence) != i.real {
				t.Fatalf("%d is not found", i.real.sequence)
			}
		}
	}
	s.unsettled(func(i *item) { got = append(got, i.sequence) })
	if !slices.Equal(want, got) {
		t.Fatalf("in hand are %v, want %v", got, want)
	}
	if n := m.count(itemUnderWay); s.underWay != n || len(s.busy) != n {
		t.Fatalf("%d under way of %d calls, want %d", s.underWay, len(s.busy), n)
	}
	if n := m.count(itemSettled); s.ahead < n || inOrder && s.ahead != n {
		t.Fatalf("%d are settled ahead, want %d", s.ahead, n)
	}
	if len(s.items) > 2*len(want)+1 {
		t.Fatalf("%d items are kept for %d that are not settled", len(s.items), len(want))
	}
	if n := s.waiting(10, 40); n != m.waiting(10, 40) {
		t.Fatalf("%d wait, want %d", n, m.waiting(10, 40))
	}
}

func (m *scheduleModel) waiting(first, last uint64) int {
	n := 0
	for _, i := range m.items {
		if i.state == itemWaiting && i.real.sequence >= first && i.real.sequence <= last {
			n++
		}
	}
	return n
}

// TestScheduleDeliversAllInOrder has events come in order and end at random, some
// of them not well: each call is delivered in order, one at a time, as many calls
// at once as may be, and all of it in the end.
func TestScheduleDeliversAllInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSchedule()
		bound := rapid.IntRange(1, 5).Draw(t, "bound")
		limit := rapid.IntRange(1, 10).Draw(t, "limit")
		total := uint64(rapid.IntRange(0, 40).Draw(t, "events"))
		fails := rapid.IntRange(0, 20).Draw(t, "failures")
		last := map[event.ID]uint64{}
		under := map[*item]event.ID{}
		var came, done uint64
		for done < total {
			if came < total && (len(under) == 0 || rapid.Bool().Draw(t, "one comes")) {
				came++
				s.add(someItem(came, rapid.IntRange(0, 4).Draw(t, "call")))
			}
			for i := s.next(bound, limit, nil); i != nil; i = s.next(bound, limit, nil) {
				call := callOf(i.event)
				for _, other := range under {
					if other == call {
						t.Fatalf("two events of %v are under way", call)
					}
				}
				under[i] = call
			}
			if len(under) == 0 && came > done {
				t.Fatalf("%d of %d are settled, and nothing goes on", done, came)
			}
			if len(under) > bound {
				t.Fatalf("%d are under way, %d may be", len(under), bound)
			}
			i := anyOf(t, under)
			call := under[i]
			delete(under, i)
			if fails > 0 && rapid.Bool().Draw(t, "it fails") {
				fails--
				s.back(i)
				continue
			}
			if i.sequence <= last[call] {
				t.Fatalf("%v: %d after %d", call, i.sequence, last[call])
			}
			last[call] = i.sequence
			s.settle(i)
			done++
		}
		if i := s.trim(); total > 0 && (i == nil || i.sequence != total) {
			t.Fatalf("the place is behind %v, want %d", i, total)
		}
	})
}

func anyOf(t *rapid.T, under map[*item]event.ID) *item {
	var all []*item
	for i := range under {
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b *item) int { return int(a.sequence) - int(b.sequence) })
	return rapid.SampledFrom(all).Draw(t, "what ends")
}

func (i *item) String() string {
	return fmt.Sprintf("%d of %s, %s", i.sequence, i.event.ID.Reference, i.state)
}
