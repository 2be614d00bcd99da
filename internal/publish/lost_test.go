package publish_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

func put(t *testing.T, js jetstream.JetStream, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		m := e.Message(prefix)
		msg := &nats.Msg{Subject: m.Subject, Header: nats.Header(m.Header), Data: m.Data}
		if _, err := js.PublishMsg(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
}

// oneByOne makes a stream that takes no batches, and soon forgets ids.
func oneByOne(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	_, err := patiently(t.Context(), func() (jetstream.Stream, error) {
		return js.CreateStream(t.Context(), jetstream.StreamConfig{
			Name: streamName, Subjects: []string{prefix + ".>"}, MaxAge: time.Hour, Duplicates: 100 * time.Millisecond,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustHold(t *testing.T, js jetstream.JetStream, want []event.Event) {
	t.Helper()
	if d := cmp.Diff(idsOf(want), ids(t, js)); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
}

// A stream that was deleted gets again what is still kept, in order, also where it
// holds some of it already, and whatever is let go in between.
func TestFault38StreamDeleted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		let  uint64 // go before
		have []int  // what the stream holds again, as from a copy of it
		want []int
	}{
		"all is kept":             {want: []int{0, 1, 2, 3, 4, 5, 6, 7}},
		"the oldest were let go":  {let: 3, want: []int{3, 4, 5, 6, 7}},
		"a copy was put back":     {have: []int{0, 1, 2}, want: []int{0, 1, 2, 3, 4, 5, 6, 7}},
		"some of what was let go": {let: 3, have: []int{0, 1}, want: []int{0, 1, 3, 4, 5, 6, 7}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js, o, all := connect(t), newOutbox(), events(t, 8)
			o.add(all[:6]...)
			drain(t, newRelay(t, js, o, streamConfig()))
			o.letGo(tt.let)
			remake(t, js)
			pick := func(which []int) (some []event.Event) {
				for _, i := range which {
					some = append(some, all[i])
				}
				return some
			}
			put(t, js, pick(tt.have)...)
			o.add(all[6:]...)
			drain(t, newRelay(t, js, o, streamConfig()))
			mustHold(t, js, pick(tt.want))
			drain(t, newRelay(t, js, o, streamConfig())) // and never again
			mustHold(t, js, pick(tt.want))
			if o.size() != 0 {
				t.Errorf("%d events wait", o.size())
			}
		})
	}
}

// The stream is deleted while the relay runs: it notices without a restart.
func TestFault38StreamDeletedWhileRunning(t *testing.T) {
	t.Parallel()
	js, o, all := connect(t), newOutbox(), events(t, 9)
	o.add(all[:3]...)
	r := newRelay(t, js, o, streamConfig())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, t.Context()) }()
	await(t, js, 3)
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	o.add(all[3:6]...) // nobody takes these
	await(t, js, 6)
	// Somebody makes it again at once: only the numbers tell.
	remake(t, js)
	o.add(all[6:]...)
	await(t, js, 9)
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// What came between is there before what was published again; nothing twice.
	got := ids(t, js)
	slices.Sort(got)
	if d := cmp.Diff(idsOf(all), got); d != "" {
		t.Errorf("stream (-want +got):\n%s", d)
	}
}

// await waits until the stream holds n messages.
func await(t *testing.T, js jetstream.JetStream, n uint64) {
	t.Helper()
	for deadline := time.Now().Add(testTimeout); ; {
		s, err := js.Stream(t.Context(), streamName)
		if err == nil && s.CachedInfo().State.Msgs >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the stream does not come to hold %d messages: %v", n, err)
		}
	}
}

// The process ends anywhere while a stream is filled again.
func TestFault38EndsWhileTheStreamIsFilled(t *testing.T) {
	t.Parallel()
	for crash := range 6 {
		js, o, all := connect(t), newOutbox(), events(t, 250)
		c := streamConfig()
		oneByOne(t, js) // so that there are several rounds
		o.add(all[:200]...)
		drain(t, newRelay(t, js, o, c))
		if err := js.DeleteStream(t.Context(), streamName); err != nil {
			t.Fatal(err)
		}
		oneByOne(t, js)
		put(t, js, all[120:150]...) // of a copy without its beginning
		o.add(all[200:]...)
		n := 0
		ended, end := context.WithCancel(t.Context())
		end()
		hard, cancel := context.WithTimeout(t.Context(), testTimeout)
		o.fail = func(string) error {
			if n++; n <= crash {
				return nil
			}
			cancel()
			return errCrash
		}
		if err := newRelay(t, js, o, c).Run(ended, hard); err != nil {
			t.Fatal(err)
		}
		cancel()
		o.fail = nil
		drain(t, newRelay(t, js, o, c))
		want := slices.Concat(all[120:150], all[:120], all[150:])
		mustHold(t, js, want)
	}
}

// The end of the stream is gone, as after a power cut of a server that does not
// sync always.
func TestStreamWithoutItsEnd(t *testing.T) {
	t.Parallel()
	for _, others := range []int{0, 2, 9} { // messages that came in its place
		withoutItsEnd(t, others)
	}
}

func withoutItsEnd(t *testing.T, others int) {
	t.Helper()
	js, o, all := connect(t), newOutbox(), events(t, 6)
	o.add(all...)
	drain(t, newRelay(t, js, o, streamConfig()))
	remake(t, js)
	put(t, js, all[:4]...)
	for range others {
		if _, err := js.Publish(t.Context(), prefix+".other", nil); err != nil {
			t.Fatal(err)
		}
	}
	s, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	// As if it were the same stream.
	before := string(o.note)
	created, err := s.CachedInfo().Created.UTC().MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(before, `"created":"`)
	old, _, _ := strings.Cut(rest, `"`)
	o.note = []byte(strings.Replace(before, old, string(created), 1))
	drain(t, newRelay(t, js, o, streamConfig()))
	if d := cmp.Diff(idsOf(all), present(t, js)); d != "" {
		t.Errorf("stream with %d others (-want +got):\n%s", others, d)
	}
}

// Messages vanish from the middle: they are published again, behind the others.
// What left at the front did so by its age or a purge.
func TestFault40HolesAreFilled(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		gone []uint64 // sequences
		keep uint64   // the first that a purge leaves
		want []int    // indexes in their order
	}{
		"the middle":         {gone: []uint64{3, 4}, want: []int{0, 1, 4, 5, 2, 3}},
		"the end":            {gone: []uint64{6}, want: []int{0, 1, 2, 3, 4, 5}},
		"the front":          {keep: 3, want: []int{2, 3, 4, 5}},
		"front and middle":   {keep: 3, gone: []uint64{5}, want: []int{2, 3, 5, 4}},
		"all":                {keep: 7},
		"all but the newest": {keep: 6, want: []int{5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js, o, all := connect(t), newOutbox(), events(t, 6)
			oneByOne(t, js)
			o.add(all...)
			drain(t, newRelay(t, js, o, streamConfig()))
			s, err := js.Stream(t.Context(), streamName)
			if err != nil {
				t.Fatal(err)
			}
			if tt.keep > 0 {
				err = s.Purge(t.Context(), jetstream.WithPurgeSequence(tt.keep))
			}
			for _, seq := range tt.gone {
				err = errors.Join(err, s.DeleteMsg(t.Context(), seq))
			}
			if err != nil {
				t.Fatal(err)
			}
			forgotten(t, js)
			for range 2 { // the second time nothing is missing
				drain(t, newRelay(t, js, o, streamConfig()))
			}
			var want []string
			for _, i := range tt.want {
				want = append(want, all[i].ID.String())
			}
			if d := cmp.Diff(want, present(t, js)); d != "" {
				t.Errorf("stream (-want +got):\n%s", d)
			}
		})
	}
}

// present returns the ids of our events that are in the stream.
func present(t *testing.T, js jetstream.JetStream) (all []string) {
	t.Helper()
	s, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if id := m.Header.Get(event.HeaderID); id != "" {
			all = append(all, id)
		}
	}
	return all
}

// An operator who names another stream does not want the last day again there.
func TestStreamOfAnotherName(t *testing.T) {
	t.Parallel()
	js, o, all := connect(t), newOutbox(), events(t, 6)
	o.add(all[:3]...)
	drain(t, newRelay(t, js, o, streamConfig()))
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	other := streamConfig()
	other.Name = "OTHER"
	o.add(all[3:]...)
	for range 2 {
		drain(t, newRelay(t, js, o, other))
	}
	s, err := js.Stream(t.Context(), "OTHER")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.CachedInfo().State.Msgs; n != 3 {
		t.Errorf("%d messages, want the three that waited", n)
	}
}

// A copy of the state from before: what was published since has ids that it would use
// again. That shows by what it does not know, or by another event of an id; also
// where the stream was made again since, so that all of it is read.
func TestOlderState(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ knows, remade bool }{
		"it does not know":                    {},
		"it knows another":                    {knows: true},
		"it does not know, in another stream": {remade: true},
		"it knows another, in another stream": {knows: true, remade: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js, o, all := connect(t), newOutbox(), events(t, 6)
			o.add(all[:3]...)
			drain(t, newRelay(t, js, o, streamConfig()))
			older := newOutbox()
			older.add(all[:3]...)
			older.relayed, older.note = o.relayed, o.note
			o.add(all[3:5]...)
			if tt.remade {
				if err := js.DeleteStream(t.Context(), streamName); err != nil {
					t.Fatal(err)
				}
			}
			drain(t, newRelay(t, js, o, streamConfig()))

			clash := all[3]
			clash.Time = clash.Time.Add(time.Second)
			if older.add(all[5]); tt.knows {
				older.kept[3].event = clash
			}
			r, err := publish.NewRelay(publish.RelayOptions{
				Outbox: older, Store: storeID, Relayed: older.relayed, Note: older.note, Wake: older.wake, Prefix: prefix,
				Known: func(id event.ID) (bool, error) { return tt.knows || id.Revision <= 3, nil }, Log: quiet,
				Stream: publish.NewJetStream(js, func(ctx context.Context) (jetstream.Stream, error) {
					return ensure(ctx, js, streamConfig())
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
			defer cancel()
			err = r.Run(ctx, ctx)
			if !errors.Is(err, publish.ErrOlderState) || !strings.Contains(err.Error(), "restore") {
				t.Errorf("error %v, want that the state is older", err)
			}
			mustHold(t, js, all[:5])
		})
	}
}

// A stream that is filled again holds what a sink was told before. It is not told
// again, but what came since is, whether the daemon was stopped meanwhile or not.
func TestFault38SinksAreNotToldAgain(t *testing.T) {
	t.Parallel()
	for name, stopped := range map[string]bool{"while it runs": false, "while it is stopped": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js, o, all := connect(t), newOutbox(), events(t, 6)
			s, l := newSink(), &lot{}
			deliver := func() *publish.Delivery {
				return publish.NewDelivery(publish.DeliveryOptions{
					Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
					Kept: o, Places: l, Park: l.park, Damaged: isDamaged, Log: quiet,
				})
			}
			d := deliver()
			prepare(t, js, d, nil)
			stop := begin(t, d)
			o.add(all[:4]...)
			drain(t, newRelay(t, js, o, streamConfig()))
			s.await(t, 4)
			waitAcked(t, js)
			if stopped {
				stop()
			}
			if err := js.DeleteStream(t.Context(), streamName); err != nil {
				t.Fatal(err)
			}
			o.add(all[4:]...)
			if stopped {
				d = deliver()
			}
			prepare(t, js, d, nil) // as the relay does before it publishes
			drain(t, newRelay(t, js, o, streamConfig()))
			mustHold(t, js, all)
			if stopped {
				stop = begin(t, d)
			}
			s.await(t, 2)
			waitAcked(t, js)
			stop()
			if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
				t.Errorf("taken (-want +got):\n%s", d)
			}
		})
	}
}

// What a sink was told is let go with the rest: then there is nothing that it could
// be told again.
func TestSinksAfterEventsWereLetGo(t *testing.T) {
	t.Parallel()
	js, o, all := connect(t), newOutbox(), events(t, 6)
	s, l := newSink(), &lot{}
	deliver := func() *publish.Delivery {
		return publish.NewDelivery(publish.DeliveryOptions{
			Sink: s, JetStream: js, Stream: streamName, Store: "new", Former: []string{storeID},
			Subject: prefix + ".request.>", Kept: o, Places: l, Park: l.park, Damaged: isDamaged, Log: quiet,
		})
	}
	d := deliver()
	prepare(t, js, d, nil)
	stop := begin(t, d)
	o.add(all[:2]...)
	drain(t, newRelay(t, js, o, streamConfig()))
	s.await(t, 2)
	waitAcked(t, js)
	stop()
	o.add(all[2:]...)
	o.relayed = 4 // and the stream had these when it was deleted
	o.letGo(2)
	if err := js.DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	d = deliver()
	prepare(t, js, d, nil)
	drain(t, newRelay(t, js, o, streamConfig()))
	stop = begin(t, d)
	s.await(t, 4)
	stop()
	if d := cmp.Diff(idsOf(all), s.ids()); d != "" {
		t.Errorf("taken (-want +got):\n%s", d)
	}
}
