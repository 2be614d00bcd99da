package natsd_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

// No goroutine of nats-server may outlive Stop, so nothing is ignored here:
// what it runs for the whole process ends with the last store.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// streamName and subject are those of the tests' stream.
const (
	streamName = "CALLS"
	subject    = "calls.request.failed"
)

// start starts a server that ends with the test.
func start(t *testing.T, o natsd.Options) *natsd.Server {
	t.Helper()
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	if o.Listen == "" {
		o.Listen = natsd.ListenOff
	}
	s, err := natsd.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// connect makes an in-process connection that ends with the test.
func connect(t *testing.T, s *natsd.Server) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	// A loaded machine under the race detector is slow, not broken.
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

// makeStream makes the tests' stream, with atomic batches allowed.
func makeStream(t *testing.T, js jetstream.JetStream) jetstream.Stream {
	t.Helper()
	st, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name:               streamName,
		Subjects:           []string{"calls.>"},
		AllowAtomicPublish: true,
		AllowDirect:        true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// publish stores n messages with the bodies 1 to n.
func publish(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	for i := range n {
		if _, err := js.Publish(t.Context(), subject, fmt.Append(nil, i+1)); err != nil {
			t.Fatal(err)
		}
	}
}

// stored returns the bodies of all messages of the stream, in order.
func stored(t *testing.T, st jetstream.Stream) []string {
	t.Helper()
	info, err := st.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var bodies []string
	for seq := info.State.FirstSeq; seq > 0 && seq <= info.State.LastSeq; seq++ {
		m, err := st.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatalf("message %d: %v", seq, err)
		}
		bodies = append(bodies, string(m.Data))
	}
	return bodies
}
