package verify_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/audit"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/verify"
)

// told returns a world in which all is told and agrees.
func told(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.tellAll()
	w.relay()
	return w
}

// A record that is older than what was told of it.
func TestRecordSetBack(t *testing.T) {
	t.Parallel()
	w := told(t)
	w.update(func(tx *store.Tx, _ *store.Batch) error {
		c, _, err := tx.Call("r.2")
		if err != nil {
			return err
		}
		c.Revision, c.Request, c.Channel = 3, initiated.values().Request, initiated.values().Channel
		return tx.PutCall("r.2", c)
	})
	r := w.verify()
	const r2 = `call "r.2" of batch "20260822.9", revision `
	expect(t, r,
		r2+"4 (message 11): the state tells of 3 of its events only: it is older than the stream",
		r2+"5 (message 12): the state tells of 3 of its events only: it is older than the stream",
	)
	if r.Ahead != 2 {
		t.Errorf("verdict %+v", r.Verdict)
	}
}

// A record with another value than the newest event gave it, a batch that counts
// otherwise than its calls, one with another status.
func TestRecordThatDiffers(t *testing.T) {
	t.Parallel()
	w := told(t)
	w.see(pending, "r4") // so that no manifest is compared with it
	w.relay()
	w.update(func(tx *store.Tx, b *store.Batch) error {
		c, _, err := tx.Call("r1")
		if err != nil {
			return err
		}
		c.Channel, c.Content = p("BUSY"), completed.values().Content
		if err := tx.PutCall("r1", c); err != nil {
			return err
		}
		gone, _, err := tx.Call("r3")
		if err != nil {
			return err
		}
		gone.Removed = false
		b.Status = p("PAUSED")
		b.Events++
		return tx.PutCall("r3", gone)
	})
	expect(t, w.verify(),
		`call "r1" of batch "20260822.9": channel_manager_status is "BUSY" in the state, "COMPLETED" by the stream`,
		`call "r1" of batch "20260822.9": insights is "`+*completed.values().Content+`" in the state`,
		`call "r3" of batch "20260822.9": it is listed in the state, it is removed by its newest event`,
		`batch "20260822.9": by the state its calls have had 16 events, but by their records 15`,
		`batch "20260822.9": its status is "PAUSED" in the state, "ACTIVE" by the stream`,
	)
}

// A manifest that does not fit what the stream or the state has.
func TestManifestThatDoesNotFit(t *testing.T) {
	t.Parallel()
	const of = `batch "20260822.9", revision 3 (message 17): the manifest`
	for name, tt := range map[string]struct {
		change func(*event.Manifest)
		want   string
	}{
		"a call too many": {func(m *event.Manifest) { m.Calls++ }, " counts 2 calls by request_status, but has 3"},
		"another status": {
			func(m *event.Manifest) { m.RequestStatus["FAILED"]--; m.RequestStatus["COMPLETED"]++ },
			`'s counts by request_status are not those of the stream: 0 of "FAILED", want 1`,
		},
		"an event too many": {func(m *event.Manifest) { m.Events++ }, " has 15 events, the stream 14"},
		"another rating": {
			func(m *event.Manifest) { m.Rating = map[string]int{"Good": 1} },
			`'s counts by rating are not those of the stream: 0 of "Bad", want 1`,
		},
		"another time": {func(m *event.Manifest) { m.Last = m.First }, "'s first and last are not those of the stream"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.discover()
			w.see(pending, "r1", "r.2", "r3")
			w.see(initiated, "r1", "r.2")
			w.see(failed, "r.2")
			w.see(completed, "r1")
			w.see(corrected, "r1")
			w.remove("r3")
			w.complete(tt.change)
			w.relay()
			r := w.verify()
			for i, problem := range r.Problems { // the counts by each field say the same
				if !strings.HasPrefix(problem, of) {
					t.Errorf("problem %d: %q", i, problem)
				}
			}
			if len(r.Problems) == 0 || r.Problems[0] != of+tt.want || r.Manifest != audit.ManifestDiffers {
				t.Errorf("problems %q, manifest %s, want %q", r.Problems, r.Manifest, of+tt.want)
			}
		})
	}
}

// What the stream cannot tell of a batch that was recorded silently, the state can.
func TestManifestOfTheBaseline(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*event.Manifest){
		"fits": asItIs,
		"does not": func(m *event.Manifest) {
			m.RequestStatus = map[string]int{"COMPLETED": 2}
		},
	} {
		w := newWorld(t)
		w.baseline(failed, "quiet")
		w.baseline(initiated, "known")
		w.see(failed, "known")
		w.see(completed, "known") // FAILED and COMPLETED are left
		w.complete(change)
		w.relay()
		r := w.verify()
		if name == "fits" {
			expect(t, r)
			continue
		}
		expect(t, r, `batch "20260822.9": the manifest's counts by request_status are not those of the state: `+
			`2 of "COMPLETED", want 1, 0 of "FAILED", want 1`)
		if r.Manifest != audit.ManifestDiffers {
			t.Errorf("manifest %s", r.Manifest)
		}
	}
}

// Whatever else is on the subjects of the batch.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	w := told(t)
	m := w.message(".r1.1")
	send := func(change func(nats.Header), data []byte) {
		h := nats.Header{}
		for k, v := range m.Header {
			h[k] = slices.Clone(v)
		}
		change(h)
		w.send(&nats.Msg{Subject: m.Subject, Header: h, Data: data})
	}
	set := func(id string) func(nats.Header) {
		return func(h nats.Header) { h["ce-id"], h["Nats-Msg-Id"] = []string{id}, []string{id} }
	}
	another := strings.ReplaceAll(string(m.Data), `"reference_id":"r1"`, `"reference_id":"r9"`)
	elsewhere := strings.ReplaceAll(string(m.Data), `"batch_id":"20260822.9"`, `"batch_id":"x"`)
	w.send(&nats.Msg{Subject: m.Subject, Data: []byte("hello")})    // 19
	send(set("elsewhere.20260822%2E9.r1.1"), m.Data)                // 20
	send(set(w.store.ID()+".20260822%2E9.r9.1"), []byte(another))   // 21
	send(set(w.store.ID()+".x.r1.1"), []byte(elsewhere))            // 22
	send(set(w.store.ID()+".~source.~source.1"), []byte(`{"x":1}`)) // 23
	r := w.verify()
	expect(t, r,
		`message 19 on subject "`+m.Subject+`": neither header ce-id`,
		`call "r9" of batch "20260822.9", revision 1 (message 21): the state tells of 0 of its events only`,
		`call "r1" of batch "x", revision 1 (message 22): it is on a subject of batch "20260822.9"`,
		`the source, revision 1 (message 23): it is on a subject of batch "20260822.9"`,
	)
	if r.Others != 1 || r.Ahead != 1 {
		t.Errorf("verdict %+v", r.Verdict)
	}
}

// What was purged or has aged is no loss: the chains go on from somewhere.
func TestAgedFront(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]uint64{"up to the first calls": 5, "to the middle": 13, "all": 19} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := told(t)
			if err := w.stream.Purge(t.Context(), jetstream.WithPurgeSequence(keep)); err != nil {
				t.Fatal(err)
			}
			r := w.verify()
			expect(t, r)
			if r.Aged == 0 || r.Aged+r.Found != r.Events || r.Missing != 0 {
				t.Errorf("verdict %+v", r.Verdict)
			}
			if !r.Early {
				t.Error("nothing says that it left before its time")
			}
			if name == "all" {
				return
			}
			if r.Manifest != audit.ManifestAgrees {
				t.Errorf("the manifest %s", r.Manifest)
			}
			// A hole behind the front is one all the same.
			w.lose(".r1.6")
			expect(t, w.verify(), `call "r1" of batch "20260822.9": revision 6 is missing`)
		})
	}
}

// By age, with the server's own clock.
func TestEventsThatAge(t *testing.T) {
	t.Parallel()
	w := told(t)
	c := w.stream.CachedInfo().Config
	c.MaxAge = 100 * time.Millisecond // the least that a server takes
	if _, err := w.js.UpdateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; {
		info, err := w.stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Msgs == 0 {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("the messages do not age")
		}
	}
	r := w.verify()
	expect(t, r)
	if r.Aged != 17 || r.Found != 0 {
		t.Errorf("verdict %+v", r.Verdict)
	}
}

// A stream that was deleted and made again lacks all that the other one held.
func TestStreamMadeAgain(t *testing.T) {
	t.Parallel()
	w := told(t)
	if err := w.js.DeleteStream(t.Context(), "SYLLABLE"); err != nil {
		t.Fatal(err)
	}
	if _, err := verify.New(w.options()).Verify(t.Context(), batch, func(uint64, uint64) {}); err == nil {
		t.Error("no error without a stream")
	}
	w.makeStream()
	w.see(pending, "new")
	w.relay()
	r := w.verify()
	expect(t, r,
		`call "r.2" of batch "20260822.9": revisions 1 to 5 are missing in the stream`,
		`call "r1" of batch "20260822.9": revisions 1 to 7 are missing in the stream`,
		`call "r3" of batch "20260822.9": revisions 1 to 2 are missing in the stream`,
		`batch "20260822.9": revisions 1 to 3 are missing in the stream, before message 1`,
	)
	if len(r.Lost) != 17 || r.Missing != 17 {
		t.Errorf("%d are lost, verdict %+v", len(r.Lost), r.Verdict)
	}
}

// What can never be published is told as what it is.
func TestParkedEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.see(pending, "r1")
	w.relay()
	w.see(failed, "r1")
	var first uint64
	if _, err := w.store.Events(w.relayed(), 1, 1, func(sequence uint64, _ event.Event) { first = sequence }); err != nil {
		t.Fatal(err)
	}
	if err := w.store.ParkRelayed(first, "it has 9 bytes, more than the 8", time.Now()); err != nil {
		t.Fatal(err)
	}
	w.relay()
	r := w.verify()
	expect(t, r, `call "r1" of batch "20260822.9": revision 2 is not in the stream but parked: it has 9 bytes`)
	if r.Parked != 1 || r.Missing != 0 || len(r.Lost) > 0 {
		t.Errorf("verdict %+v", r.Verdict)
	}
}

// A byte of the server's own file turns: what it cannot read any more is named.
func TestFault40VerifyAfterAFlippedByte(t *testing.T) {
	t.Parallel()
	w := told(t)
	lost := w.message(".r1.4")
	blocks, err := filepath.Glob(filepath.Join(w.dir, "jetstream", "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("blocks %q, error %v", blocks, err)
	}
	w.server.Stop()
	block, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(block, lost.Data)
	block[at+len(lost.Data)/2] ^= 1
	if err := os.WriteFile(blocks[0], block, 0o600); err != nil {
		t.Fatal(err)
	}
	w.restart()
	r := w.verify()
	expect(t, r, `call "r1" of batch "20260822.9": revision 4 is missing in the stream, between messages 8 and 14`)
	if len(r.Lost) != 1 || r.Lost[0].Revision != 4 || r.Lost[0].Reference != "r1" {
		t.Errorf("lost %v", r.Lost)
	}
}
