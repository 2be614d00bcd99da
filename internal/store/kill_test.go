package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/diff"
	"github.com/syllable-notifier/notifier/internal/store"
)

// killBatch has the calls of commitAndSay, and killCalls is how many there are.
const (
	killBatch = "20260822.9"
	killCalls = 7
)

// commitAndSay changes one call after the other, each with its event in the same
// commit, and says how many commits have returned. Now and then all that is
// there leaves the outbox, and the file is compacted.
func commitAndSay(path string, say func(...any)) error {
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	s.CompactAbove(0)
	for n := 1; ; n++ {
		reference := fmt.Sprint("ref-", n%killCalls)
		err := s.Update(killBatch, func(tx *store.Tx) error {
			c, _, err := tx.Call(reference)
			c.Record = diff.Record{Revision: c.Revision + 1}
			e := newEvent(killBatch, c.Revision)
			e.ID.Reference = reference
			e.Data = append(e.Data, make([]byte, 20_000)...)
			return errors.Join(err, tx.PutCall(reference, c), tx.Append(e))
		})
		if err != nil {
			return err
		}
		say(n)
		if n%10 != 0 {
			continue
		}
		var last uint64
		err = eachEvent(s, 1000, 1<<30, func(sequence uint64, _ event.Event) { last = sequence })
		if err = errors.Join(err, s.Relayed(last-min(last, 2), []byte("note")), letAllGo(s)); err != nil {
			return err
		}
		if _, err := s.CompactIfNeeded(); err != nil {
			return err
		}
	}
}

// A kill at any moment, of a commit or of a compaction, leaves of each commit the
// call and the event, or neither; and all of those that had returned.
func TestFault20KilledInACommit(t *testing.T) {
	t.Parallel()
	const kills = 30
	path := statePath(t)
	var told, commits uint64
	for cycle := range kills {
		cmd, lines := childProcess(t, "commits", path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := make(chan uint64, 1)
		begun := make(chan struct{})
		go func() {
			var n uint64
			for lines.Scan() {
				m, err := strconv.ParseUint(lines.Text(), 10, 64)
				if err != nil {
					t.Errorf("the child says: %s", lines.Text())
				}
				if n = m; n == 1 {
					close(begun)
				}
			}
			said <- n
		}()
		select {
		case <-begun:
		case <-time.After(time.Minute):
			t.Error("the child commits nothing")
		}
		<-time.After(time.Duration(rand.Int64N(int64(60 * time.Millisecond)))) // when is chance
		_ = cmd.Process.Kill()
		told += <-said
		_ = cmd.Wait()
		if commits = commitsIn(t, path); commits < told {
			t.Fatalf("cycle %d: %d commits are there, %d had returned", cycle, commits, told)
		}
		told = commits
	}
	t.Logf("%d commits over %d kills", commits, kills)
}

// commitsIn opens what a kill left, and counts the commits by the calls and by the
// events, which must be the same.
func commitsIn(t *testing.T, path string) uint64 {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	revisions := map[string]uint64{}
	var sum, newest uint64
	err = errors.Join(s.View(killBatch, func(tx *store.Tx) error {
		return tx.EachCall(func(reference string, c store.Call) error {
			revisions[reference] = c.Revision
			sum += c.Revision
			return nil
		})
	}), eachEvent(s, 1<<20, 1<<40, func(sequence uint64, e event.Event) {
		newest = sequence
		// The events of a call end with its revision.
		if e.ID.Revision > revisions[e.ID.Reference] {
			t.Errorf("event %d of call %s has revision %d, the call has %d", sequence, e.ID.Reference,
				e.ID.Revision, revisions[e.ID.Reference])
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if newest != 0 && newest != sum {
		t.Errorf("%d events ever, %d changes of calls", newest, sum)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 8<<20 {
		t.Errorf("the file has %d bytes, error %v", info.Size(), err)
	}
	return sum
}

func eachEvent(s *store.Store, limit, maxBytes int, each func(uint64, event.Event)) error {
	_, err := s.Events(0, limit, maxBytes, each)
	return err
}

// letAllGo forgets all that was relayed.
func letAllGo(s *store.Store) error {
	for {
		if n, err := s.LetGo(0); n == 0 || err != nil {
			return err
		}
	}
}
