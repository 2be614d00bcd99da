package torture_test

import (
	"flag"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/torture"
)

var selfCheck = flag.Bool("torture.selfcheck", false, "test the harness itself, as make torture-selfcheck does")

// littlePatience is for builds whose events will not come.
const littlePatience = 10 * time.Second

// A daemon that does not write its outbox must not get through the kills.
func TestTheJudgeNoticesNoOutbox(t *testing.T) {
	t.Parallel()
	if !*selfCheck {
		t.Skip("it builds another command: make torture-selfcheck")
	}
	o := torture.Options{Bin: build(t, "nooutbox"), Dir: t.TempDir(), Seed: chance(t), Patience: littlePatience}
	v, _ := through(t, o, func(k *torture.Killer) error {
		for k.Kills.Sum() < faultKills {
			if err := k.Kill(t.Context()); err != nil {
				return err
			}
		}
		return nil
	})
	noticed(t, v)
}

// A daemon whose server does not sync what it acknowledges must not get through a
// few power cuts.
func TestTheJudgeNoticesNoSync(t *testing.T) {
	t.Parallel()
	if !*selfCheck {
		t.Skip("it builds another command: make torture-selfcheck")
	}
	memory(t)
	o := torture.Options{Bin: build(t, "nosync"), Seed: chance(t), Patience: littlePatience}
	noticed(t, cutPower(t, &cuts{}, o, worldCuts, 1))
}

func noticed(t *testing.T, v torture.Verdict) {
	t.Helper()
	t.Log(v.String())
	if len(v.Problems) == 0 || v.Lost == 0 {
		t.Fatalf("this build loses events, and the judge found %d lost and %d problems", v.Lost, len(v.Problems))
	}
	t.Logf("%d problems, of which the first is: %s", len(v.Problems), v.Problems[0])
}
