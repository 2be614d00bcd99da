package torture_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/torture"
)

var cutsWanted = flag.Int("torture.cuts", 5, "how often TestFault21PowerCut cuts the power; make powercut has 200")

// worldCuts is how often the power of one world is cut at most.
const worldCuts = 8

// cuts are what all worlds of a run have come to.
type cuts struct {
	verdict            torture.Verdict
	first, later, seen int
	committed          uint64
}

// What the state has committed and the stream has acknowledged is there after a
// power cut, and in the end nothing is lost and nothing there twice.
func TestFault21PowerCut(t *testing.T) {
	t.Parallel()
	memory(t)
	bin, seed := build(t), chance(t)
	var all cuts
	for i := 0; all.first+all.later < *cutsWanted; i++ {
		o := torture.Options{Bin: bin, Seed: seed + uint64(i), Patience: patience}
		n := min(worldCuts, *cutsWanted-all.first-all.later)
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			report(t, o, cutPower(t, &all, o, n, 1))
		})
		if t.Failed() {
			break
		}
	}
	t.Logf("%d cuts at a first start and %d later, with %d events committed and %d messages seen in the stream: %s",
		all.first, all.later, all.committed, all.seen, all.verdict.String())
}

// A power cut at the first start, at any moment of it, leaves no state or a whole
// one.
func TestFault29PowerCutAtFirstStart(t *testing.T) {
	t.Parallel()
	memory(t)
	o := torture.Options{Bin: build(t), Seed: chance(t), Patience: patience}
	var all cuts
	report(t, o, cutPower(t, &all, o, firstCuts, firstCuts))
	t.Logf("%d cuts within the first start: %s", all.first, all.verdict.String())
}

const firstCuts = 4

// memory returns a folder in memory, and skips the test where no disk can be made.
func memory(t *testing.T) string {
	t.Helper()
	dir := "/dev/shm"
	if _, err := os.Stat(dir); err != nil {
		dir = ""
	}
	dir, err := os.MkdirTemp(dir, "torture") //nolint:usetesting // t.TempDir is not in memory
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d, err := torture.NewDisk(t.Context(), dir)
	if err != nil {
		t.Skipf("no disk whose power could be cut: %v", err)
	}
	d.Close()
	return dir
}

// cutPower lives one world through whose power is cut so often, the first times on
// an empty disk each.
func cutPower(t *testing.T, all *cuts, o torture.Options, n, first int) torture.Verdict {
	t.Helper()
	dir := memory(t)
	o.Dir = t.TempDir()
	w, err := torture.NewWorld(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.Recorder = &torture.Recorder{}
	disk, err := torture.NewDisk(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { disk.Close() }()
	w.Data = disk.Mount + "/data"
	k := torture.NewKiller(w, rand.New(rand.NewPCG(o.Seed, 2)))
	for cut := 0; cut < n && len(w.Journal.Problems()) == 0; cut++ {
		p, stop, err := k.Run(t.Context(), cut < first)
		if err != nil {
			t.Fatal(err)
		}
		after, err := disk.Cut(t.Context(), p)
		stop()
		if err != nil {
			t.Fatal(err)
		}
		disk, w.Data = after, after.Mount+"/data"
		if err := w.CheckState(); err != nil {
			w.Journal.Problem("after cut %d: %v", cut, err)
		}
		if cut < first {
			all.first++
		} else {
			all.later++
		}
	}
	v, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all.verdict.Add(v)
	all.seen += w.Recorder.Seen()
	for _, events := range w.Journal.Told() {
		all.committed += events
	}
	return v
}

// report fails the test with the problems of a world.
func report(t *testing.T, o torture.Options, v torture.Verdict) {
	t.Helper()
	if len(v.Problems) > 0 {
		t.Errorf("%d problems, of seed %d:\n%s", len(v.Problems), o.Seed, strings.Join(v.Problems, "\n"))
	}
}
