package natsd_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

const blockMessages = 500

// bodyOf is the data of a message.
func bodyOf(seq uint64) string {
	return fmt.Sprintf(`{"n":%d,"text":%q}`, seq, strings.Repeat("x", 40))
}

func idOf(seq uint64) string { return fmt.Sprintf("store.batch.%d", seq) }

// fullStore makes a store of blockMessages messages, as a clean stop leaves it, and
// returns its folder and the path of its block below that.
func fullStore(t *testing.T) (dir, block string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "store")
	s := start(t, natsd.Options{StoreDir: dir})
	nc, js := connect(t, s)
	makeStream(t, js)
	for seq := range uint64(blockMessages) {
		m := nats.NewMsg(subject)
		m.Header.Set(nats.MsgIdHdr, idOf(seq+1))
		m.Data = []byte(bodyOf(seq + 1))
		if _, err := js.PublishMsgAsync(m); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	nc.Close()
	s.Stop()
	return dir, filepath.Join("jetstream", "$G", "streams", streamName, "msgs", "1.blk")
}

// readable reads every message of a stream, each of which must be what was stored
// under its sequence, and returns the sequences that cannot be read.
func readable(t *testing.T, js jetstream.JetStream) (holes []uint64, info *jetstream.StreamInfo) {
	t.Helper()
	st, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	c, err := st.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := c.FetchNoWait(blockMessages)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		seq := meta.Sequence.Stream
		seen[seq] = true
		if string(m.Data()) != bodyOf(seq) || m.Headers().Get(nats.MsgIdHdr) != idOf(seq) || m.Subject() != subject {
			t.Errorf("message %d is another one: %s %v %q", seq, m.Subject(), m.Headers(), m.Data())
		}
	}
	for seq := uint64(1); seq <= blockMessages; seq++ {
		if seen[seq] {
			continue
		}
		if _, err := st.GetMsg(t.Context(), seq); !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Errorf("message %d was not delivered, though it is there: %v", seq, err)
		}
		holes = append(holes, seq)
	}
	info, err = st.Info(t.Context(), jetstream.WithDeletedDetails(true))
	if err != nil {
		t.Fatal(err)
	}
	return holes, info
}

// positions are those of a block that are tried: the head of a record in the
// middle, of the first and of the last one, and some of the rest.
func positions(t *testing.T, content string) []int {
	t.Helper()
	bodyAt := func(seq uint64) int {
		at := strings.Index(content, bodyOf(seq))
		if at < 0 {
			t.Fatalf("message %d is not in the block", seq)
		}
		return at
	}
	const sum = 8
	record := bodyAt(2) - bodyAt(1) // all are as long, but for the digits
	var at []int
	middle := bodyAt(249) + len(bodyOf(249)) + sum
	for _, head := range []int{0, middle, bodyAt(499) + len(bodyOf(499)) + sum} {
		for i := range record {
			isHead := i < 22+len(subject)+4 // with all lengths
			if isHead && (head == middle || i%8 == 0) || i%64 == 0 {
				at = append(at, head+i)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 40))
	for range 5 {
		at = append(at, r.IntN(len(content)))
	}
	return at
}

// One flipped bit in a stored message costs that message at most: the others can be
// read, none is another one, and the stream's state tells which is missing. What
// was published last may be missing without that: its sequence is used again.
func TestFault40FlippedBits(t *testing.T) {
	t.Parallel()
	dir, block := fullStore(t)
	content, err := os.ReadFile(filepath.Join(dir, block))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2, 40))
	lost := 0
	tried := positions(t, string(content))
	for i, at := range tried {
		copied := filepath.Join(t.TempDir(), "store")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		flipped := slices.Clone(content)
		flipped[at] ^= 1 << r.IntN(8)
		if err := os.WriteFile(filepath.Join(copied, block), flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // as after a kill, when there is no index that fits
			if err := os.Remove(filepath.Join(copied, filepath.Dir(block), "index.db")); err != nil {
				t.Fatal(err)
			}
		}
		lost += flippedOnce(t, copied, fmt.Sprintf("byte %d: %02x to %02x", at, content[at], flipped[at]))
	}
	t.Logf("%d flipped bits, %d messages lost of %d each", len(tried), lost, blockMessages)
	if lost < len(tried)/2 {
		t.Error("hardly a message was hit: this tests too little")
	}
}

func flippedOnce(t *testing.T, dir, what string) (lost int) {
	t.Helper()
	var log buffer
	s, err := natsd.Start(t.Context(), natsd.Options{
		StoreDir: dir, Listen: natsd.ListenOff, Log: log.logger(slog.LevelError),
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer s.Stop()
	nc, js := connect(t, s)
	defer nc.Close()
	holes, info := readable(t, js)
	atEnd := slices.Equal(holes, []uint64{blockMessages})
	switch {
	case len(holes) > 1:
		t.Errorf("%s: %d messages cannot be read: %v", what, len(holes), holes)
	case len(holes) == 0 || atEnd:
		if info.State.LastSeq < blockMessages-1 {
			t.Errorf("%s: the stream ends at %d", what, info.State.LastSeq)
		}
	case info.State.LastSeq != blockMessages || info.State.Msgs != blockMessages-1:
		t.Errorf("%s: message %v is missing, and the stream says %+v", what, holes, info.State)
	case holes[0] > 1 && !slices.Equal(info.State.Deleted, holes):
		t.Errorf("%s: message %v is missing, the stream tells %v", what, holes, info.State.Deleted)
	}
	if len(holes) == 1 && !atEnd && !strings.Contains(log.String(), "damaged") {
		t.Errorf("%s: not told: %s", what, &log)
	}
	if _, err := js.Publish(t.Context(), subject, []byte("one more")); err != nil {
		t.Errorf("%s: it takes no more: %v", what, err)
	}
	if err := s.Healthy(); err != nil {
		t.Errorf("%s: not healthy: %v", what, err)
	}
	return len(holes)
}
