package publish_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A reference id is the customer's, and may be a number: also that of a message
// which is no event, in whatever form it comes.
func TestDeliveryTellsNoReferenceOfWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	js := connect(t)
	s, l, log := newSink(), &lot{}, &logged{}
	d := publish.NewDelivery(publish.DeliveryOptions{
		Sink: s, JetStream: js, Stream: streamName, Store: storeID, Subject: prefix + ".request.>",
		Places: l, Park: l.park, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	prepare(t, js, d, nil)
	bad := newEvent(t, "512-555-0142", 1, `{}`).Message(prefix)
	bad.Header[event.HeaderID] = []string{storeID + ".b.512%2D555%2D0142.0"}
	if _, err := js.PublishMsg(t.Context(), &nats.Msg{
		Subject: bad.Subject, Header: nats.Header(bad.Header), Data: bad.Data,
	}); err != nil {
		t.Fatal(err)
	}
	store(t, js, events(t, 1))
	stop := begin(t, d)
	s.await(t, 1)
	stop()
	if got := log.String(); !strings.Contains(got, "stream_sequence=1") || strings.Contains(got, "0142") {
		t.Errorf("want the place of what is no event, and nothing of it:\n%s", got)
	}
}
