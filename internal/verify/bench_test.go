package verify_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/verify"
)

// BenchmarkVerify verifies a batch of 2,000 calls with 8 events each.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	var references []string
	for i := range 2000 {
		references = append(references, fmt.Sprintf("r%d", i))
	}
	for _, s := range []sight{pending, initiated, failed, completed} {
		w.see(s, references...)
	}
	_, err := w.store.Events(0, 1<<20, 1<<30, func(n uint64, e event.Event) {
		if n%500 == 0 {
			<-w.js.PublishAsyncComplete()
		}
		m := e.Message(prefix)
		if _, err := w.js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}); err != nil {
			b.Fatal(err)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	<-w.js.PublishAsyncComplete()
	newest, err := w.store.Pending()
	if err != nil {
		b.Fatal(err)
	}
	if err := w.store.Relayed(newest, nil); err != nil {
		b.Fatal(err)
	}
	v := verify.New(w.options())
	b.ReportAllocs()
	events := uint64(0)
	for b.Loop() {
		r, err := v.Verify(b.Context(), batch, func(uint64, uint64) {})
		if err != nil || !r.Agrees() {
			b.Fatal(err, r.Problems)
		}
		events += r.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
