package verify_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/diff"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/store"
	"github.com/syllable-notifier/notifier/internal/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	prefix  = "syllable"
	batch   = "20260822.9"
	other   = "20260822.10"
	apiBase = "https://api.example.com"
)

var quiet = slog.New(slog.DiscardHandler)

// world is a state and a stream, and what is told between them.
type world struct {
	t      testing.TB
	dir    string
	store  *store.Store
	js     jetstream.JetStream
	stream jetstream.Stream
	server *natsd.Server
	at     time.Time // of the newest poll
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), at: time.Now().UTC().Truncate(time.Second)}
	st, err := store.Open(filepath.Join(w.dir, "notifier.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	w.store = st
	w.restart()
	w.makeStream()
	return w
}

// restart starts a server on the folder.
func (w *world) restart() {
	w.t.Helper()
	server, err := natsd.Start(w.t.Context(), natsd.Options{
		StoreDir: filepath.Join(w.dir, "jetstream"), Listen: natsd.ListenOff, Log: quiet,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(server.Stop)
	nc, err := server.Connect()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	if w.js, err = jetstream.New(nc); err != nil {
		w.t.Fatal(err)
	}
	w.server = server
}

func (w *world) makeStream() {
	w.t.Helper()
	var err error
	w.stream, err = w.js.CreateStream(w.t.Context(), jetstream.StreamConfig{
		Name: "SYLLABLE", Subjects: []string{prefix + ".>"}, MaxAge: time.Hour, AllowDirect: true,
		Duplicates: 100 * time.Millisecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) options() verify.Options {
	return verify.Options{
		State: w.store, Prefix: prefix, Interval: time.Hour, Log: quiet, Stream: w.getStream,
	}
}

// sight is what a poll sees of a call; "" is null.
type sight struct{ request, channel, status, insights string }

// Sights of a call's life.
var (
	pending   = sight{"PENDING", "", "", ""}
	initiated = sight{"INITIATED", "QUEUED", "", ""}
	failed    = sight{"FAILED", "BUSY", "", ""}
	completed = sight{"COMPLETED", "COMPLETED", "COMPLETED", `{"rating":"Good"}`}
	corrected = sight{"COMPLETED", "COMPLETED", "COMPLETED", `{"rating":"Bad"}`}
)

func p(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s sight) values() diff.Values {
	v := diff.Values{Request: p(s.request), Channel: p(s.channel), Insights: p(s.status)}
	if s.insights != "" {
		sum := sha256.Sum256([]byte(s.insights))
		v.Content = p(hex.EncodeToString(sum[:8]))
	}
	return v
}

func (s sight) result(t testing.TB, reference string) json.RawMessage {
	t.Helper()
	var b bytes.Buffer
	err := json.NewEncoder(&b).Encode(map[string]any{
		"reference_id": reference, "target": "512-555-0123",
		"request_status": p(s.request), "channel_manager_status": p(s.channel), "insights_status": p(s.status),
		"insights": json.RawMessage(cmp.Or(s.insights, "null")),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// update commits to the batch.
func (w *world) update(fn func(*store.Tx, *store.Batch) error) {
	w.t.Helper()
	w.updateOf(batch, fn)
}

func (w *world) updateOf(batch string, fn func(*store.Tx, *store.Batch) error) {
	w.t.Helper()
	err := w.store.Update(batch, func(tx *store.Tx) error {
		b, err := tx.Batch()
		if err != nil {
			return err
		}
		if err := fn(tx, &b); err != nil {
			return err
		}
		return tx.PutBatch(b)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// see commits what a poll sees of calls, as ingest does.
func (w *world) see(s sight, references ...string) {
	w.t.Helper()
	w.seeIn(batch, s, references...)
}

func (w *world) seeIn(batch string, s sight, references ...string) {
	w.t.Helper()
	w.at = w.at.Add(time.Second)
	w.updateOf(batch, func(tx *store.Tx, b *store.Batch) error {
		for _, reference := range references {
			held, ok, err := tx.Call(reference)
			if err != nil {
				return err
			}
			was := &held.Record
			if !ok {
				was = nil
			}
			now, changes := diff.Call(was, s.values())
			if len(changes) > 0 && b.Completed {
				b.Completed = false
				w.own(tx, b, batch, event.BatchReopened, event.Batch{})
			}
			for _, c := range changes {
				w.tell(tx, b, batch, reference, c, s.result(w.t, reference))
			}
			if err := tx.PutCall(reference, store.Call{Record: now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// remove commits that a call is not listed any more.
func (w *world) remove(reference string) {
	w.t.Helper()
	w.at = w.at.Add(time.Second)
	w.update(func(tx *store.Tx, b *store.Batch) error {
		held, _, err := tx.Call(reference)
		if err != nil {
			return err
		}
		now, c := diff.Removal(held.Record)
		w.tell(tx, b, batch, reference, c, json.RawMessage(`{"reference_id":"`+reference+`"}`))
		return tx.PutCall(reference, store.Call{Record: now})
	})
}

// baseline records a call silently.
func (w *world) baseline(s sight, reference string) {
	w.t.Helper()
	w.update(func(tx *store.Tx, _ *store.Batch) error {
		return tx.PutCall(reference, store.Call{Record: diff.Baseline(s.values())})
	})
}

func (w *world) tell(tx *store.Tx, b *store.Batch, batch, reference string, c diff.Change, result json.RawMessage) {
	w.t.Helper()
	at := w.at
	data, err := event.Call{
		BatchID: batch, ReferenceID: reference, Field: c.Field, From: c.From, To: c.To, Revision: c.Revision,
		Observed: event.Observed{Until: at}, Result: result,
	}.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	b.Events++
	b.Last = &at
	if b.First == nil {
		b.First = &at
	}
	w.append(tx, event.ID{Batch: batch, Reference: reference, Revision: c.Revision}, c.Name, data)
}

// own tells of the batch itself.
func (w *world) own(tx *store.Tx, b *store.Batch, batch, name string, data event.Batch) {
	w.t.Helper()
	b.Revision++
	data.BatchID, data.Revision, data.Observed.Until = batch, b.Revision, w.at
	object, err := json.Marshal(map[string]any{"batch_id": batch, "status": b.Status})
	if err != nil {
		w.t.Fatal(err)
	}
	data.Batch = object
	encoded, err := data.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.append(tx, event.ID{Scope: event.ScopeBatch, Batch: batch, Revision: b.Revision}, name, encoded)
}

func (w *world) append(tx *store.Tx, id event.ID, name string, data json.RawMessage) {
	w.t.Helper()
	id.Store = w.store.ID()
	err := tx.Append(event.Event{ID: id, Name: name, Source: event.Source(apiBase, id.Batch), Time: w.at, Data: data})
	if err != nil {
		w.t.Fatal(err)
	}
}

// discover commits the first two events of the batch itself.
func (w *world) discover() {
	w.t.Helper()
	w.update(func(tx *store.Tx, b *store.Batch) error {
		w.own(tx, b, batch, event.BatchDiscovered, event.Batch{})
		b.Status = p("ACTIVE")
		w.own(tx, b, batch, "batch.active", event.Batch{Field: event.FieldStatus, To: b.Status})
		return nil
	})
}

// complete commits that the batch is complete, by a manifest that change spoils.
func (w *world) complete(change func(*event.Manifest)) {
	w.t.Helper()
	w.at = w.at.Add(time.Second)
	w.update(func(tx *store.Tx, b *store.Batch) error {
		m := event.Manifest{
			RequestStatus: map[string]int{}, ChannelStatus: map[string]int{}, InsightsStatus: map[string]int{},
			Rating: map[string]int{}, Events: b.Events, First: b.First, Last: b.Last,
		}
		word := func(s *string) string {
			if s == nil {
				return "null"
			}
			return *s
		}
		err := tx.EachCall(func(_ string, c store.Call) error {
			if c.Removed {
				return nil
			}
			m.Calls++
			m.RequestStatus[word(c.Request)]++
			m.ChannelStatus[word(c.Channel)]++
			m.InsightsStatus[word(c.Insights)]++
			if v := completed.values().Content; c.Content != nil && *c.Content == *v {
				m.Rating["Good"]++
			} else if c.Content != nil {
				m.Rating["Bad"]++
			}
			return nil
		})
		change(&m)
		b.Completed = true
		w.own(tx, b, batch, event.BatchCompleted, event.Batch{Manifest: &m})
		return err
	})
}

func asItIs(*event.Manifest) {}

// relayed returns the sequence of the newest event that does not wait.
func (w *world) relayed() uint64 {
	w.t.Helper()
	p, err := w.store.Progress()
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Relayed
}

// relay publishes what waits, as the relay does.
func (w *world) relay() {
	w.t.Helper()
	type waiting struct {
		sequence uint64
		event    event.Event
	}
	var all []waiting
	_, err := w.store.Events(w.relayed(), 1000, 1<<30, func(sequence uint64, e event.Event) {
		all = append(all, waiting{sequence, e})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range all {
		w.publish(x.event)
		if err := w.store.Relayed(x.sequence, nil); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) publish(e event.Event) {
	w.t.Helper()
	m := e.Message(prefix)
	w.send(&nats.Msg{Subject: m.Subject, Header: nats.Header(m.Header), Data: m.Data})
}

func (w *world) send(m *nats.Msg) {
	w.t.Helper()
	if _, err := w.js.PublishMsg(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
}

// message returns the event whose id ends so.
func (w *world) message(id string) *jetstream.RawStreamMsg {
	w.t.Helper()
	info, err := w.stream.Info(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := w.stream.GetMsg(w.t.Context(), seq)
		if err == nil && strings.HasSuffix(m.Header.Get(event.HeaderID), id) {
			return m
		}
	}
	w.t.Fatalf("no event %s in the stream", id)
	return nil
}

// lose deletes an event from the stream.
func (w *world) lose(id string) {
	w.t.Helper()
	if err := w.stream.DeleteMsg(w.t.Context(), w.message(id).Sequence); err != nil {
		w.t.Fatal(err)
	}
}

// again publishes a message once more, as soon as the stream has forgotten its id.
func (w *world) again(m *jetstream.RawStreamMsg) {
	w.t.Helper()
	for {
		ack, err := w.js.PublishMsg(w.t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
		if err != nil {
			w.t.Fatal(err)
		}
		if !ack.Duplicate {
			return
		}
	}
}

func (w *world) verify() verify.Result {
	w.t.Helper()
	r, err := verify.New(w.options()).Verify(w.t.Context(), batch, func(uint64, uint64) {})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// expect wants exactly these problems, each given by a part of its sentence.
func expect(t *testing.T, r verify.Result, want ...string) {
	t.Helper()
	if r.ProblemCount != len(want) || len(r.Problems) != len(want) {
		t.Fatalf("%d problems, want %d:\n%s", r.ProblemCount, len(want), strings.Join(r.Problems, "\n"))
	}
	for i, problem := range r.Problems {
		if !strings.Contains(problem, want[i]) {
			t.Errorf("problem %q, want it to say %q", problem, want[i])
		}
		if strings.Contains(problem, "555") {
			t.Errorf("problem %q tells the number", problem)
		}
	}
}
