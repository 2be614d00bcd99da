package torture_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/crashpoint"
	"github.com/syllable-notifier/notifier/internal/torture"
)

// faultKills is how often a test of one fault kills the daemon.
const faultKills = 12

// A build that these tests kill must never be taken for a release.
func TestVersionNamesTheTags(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), build(t), "version").Output()
	if err != nil || !strings.Contains(string(out), "tests only, with the tags crashpoints") {
		t.Errorf("notifier version: %v, %s", err, out)
	}
}

// A kill in or around a commit leaves the records of the calls and their events,
// or neither: otherwise a chain would break, or end before the truth.
func TestFault20KilledInACommit(t *testing.T) {
	t.Parallel()
	o := torture.Options{Bin: build(t), Seed: chance(t), Patience: patience}
	lead(t, o, func(k *torture.Killer) error {
		for k.Kills.Sum() < faultKills {
			if err := k.At(t.Context(), crashpoint.StoreCommit, 1+k.Rand.IntN(6)); err != nil {
				return err
			}
		}
		return nil
	})
}

// What the stream has acknowledged and the outbox has not forgotten yet is in the
// stream once, also when NATS was away for longer than the stream remembers ids,
// and the daemon was killed meanwhile.
func TestFault34KilledBeforeTheOutboxForgets(t *testing.T) {
	t.Parallel()
	for name, single := range map[string]bool{"in batches": false, "one by one": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := torture.Options{Bin: build(t), Seed: chance(t), Patience: patience, External: true, Single: single}
			lead(t, o, func(k *torture.Killer) error {
				for k.Kills.Sum() < faultKills {
					if err := k.At(t.Context(), crashpoint.RelayAcked, 1+k.Rand.IntN(3)); err != nil {
						return err
					}
					if err := k.Outage(t.Context()); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}
