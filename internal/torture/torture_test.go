package torture_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/internal/crashpoint"
	"github.com/syllable-notifier/notifier/internal/torture"
)

var (
	killsWanted = flag.Int("torture.kills", 0, "how often TestTorture kills the daemon; make torture has 1000")
	seed        = flag.Uint64("torture.seed", 0, "seed of the kills and of the platforms; 0: another one each time")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(cleaned{m}) }

// cleaned removes the commands that tests have built.
type cleaned struct{ m *testing.M }

func (c cleaned) Run() int {
	dir, err := os.MkdirTemp("", "torture")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	built.dir = dir
	return c.m.Run()
}

// built are the commands that tests have built, in a folder for all tests.
var built struct {
	dir string
	mu  sync.Mutex
}

const (
	// worldKills is how often the daemon of one world is killed at most.
	worldKills = 50
	// patience is how long the calls of a world may take to be told in the end.
	patience = 10 * time.Minute
)

// worlds are the kinds of worlds, by turns.
var worlds = []struct {
	name string
	torture.Options
}{
	{"embedded", torture.Options{}},
	{"external and Slack", torture.Options{External: true, Slack: true}},
	{"embedded and Slack", torture.Options{Slack: true}},
	{"external one by one", torture.Options{External: true, Single: true}},
}

// build makes the command, for a test that kills it.
func build(t *testing.T, tags ...string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be asked to stop by a signal on Windows")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("the command cannot be built: %v", err)
	}
	built.mu.Lock()
	defer built.mu.Unlock()
	tags = append(tags, "crashpoints")
	bin := filepath.Join(built.dir, strings.Join(tags, "-"))
	if _, err := os.Stat(bin); err == nil {
		return bin
	}
	if err := torture.Build(t.Context(), bin, tags...); err != nil {
		t.Fatal(err)
	}
	return bin
}

// chance returns the seed of a test, and says it.
func chance(t *testing.T) uint64 {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-torture.seed %d; where exactly a kill falls is chance beyond it", s)
	return s
}

// tortures are what all worlds of a run have come to.
type tortures struct {
	mu      sync.Mutex
	verdict torture.Verdict
	kills   torture.Kills
	outages int
}

func (a *tortures) add(v torture.Verdict, k *torture.Killer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.verdict.Add(v)
	a.outages += k.Outages
	for how, n := range k.Kills {
		a.kills[how] += n
	}
}

// TestTorture kills the daemon as `kill -9` does, at every moment that has a name
// and at others, while calls are placed all the time. What the platform did is
// what the stream and Slack must have told.
func TestTorture(t *testing.T) {
	t.Parallel()
	if *killsWanted == 0 {
		t.Skip("minutes: make torture")
	}
	bin, seed := build(t), chance(t)
	all := &tortures{kills: torture.Kills{}}
	n := max((*killsWanted+worldKills-1)/worldKills, min(len(worlds), *killsWanted))
	t.Run("worlds", func(t *testing.T) {
		for i := range n {
			o := worlds[i%len(worlds)].Options
			o.Bin, o.Seed, o.Patience = bin, seed+uint64(i), patience
			kills := *killsWanted*(i+1)/n - *killsWanted*i/n
			t.Run(strconv.Itoa(i)+" "+worlds[i%len(worlds)].name, func(t *testing.T) {
				t.Parallel()
				live(t, all, o, kills)
			})
		}
	})
	t.Log(all.verdict.String())
	t.Logf("%d outages of NATS, each longer than the stream remembers ids; %d kills:", all.outages, all.kills.Sum())
	for _, how := range slices.Sorted(maps.Keys(all.kills)) {
		t.Logf("%5d %s", all.kills[how], how)
	}
	if all.kills.Sum() < *killsWanted {
		t.Errorf("%d kills, want %d", all.kills.Sum(), *killsWanted)
	}
	if *killsWanted < pointsNeed {
		return
	}
	for _, p := range crashpoint.All {
		if all.kills[string(p)]+all.kills[string(p)+"+"] == 0 {
			t.Errorf("nothing was killed at %s: either the code does not come there, or its call is gone", p)
		}
	}
}

// pointsNeed is how many kills it takes until each point had its turn.
const pointsNeed = 100

// live lives one world through, with kills at every moment.
func live(t *testing.T, all *tortures, o torture.Options, kills int) {
	t.Helper()
	all.add(lead(t, o, func(k *torture.Killer) error {
		for k.Kills.Sum() < kills && len(k.World.Journal.Problems()) == 0 {
			if err := k.Kill(t.Context()); err != nil {
				return err
			}
		}
		return nil
	}))
}

// lead leads one world to its end, with kills in between, and judges.
func lead(t *testing.T, o torture.Options, kill func(*torture.Killer) error) (torture.Verdict, *torture.Killer) {
	t.Helper()
	o.Dir = t.TempDir()
	v, k := through(t, o, kill)
	if len(v.Problems) > 0 {
		keep(t, o.Dir)
		t.Errorf("%d problems, of seed %d:\n%s", len(v.Problems), o.Seed, strings.Join(v.Problems, "\n"))
	}
	return v, k
}

// through does so, and leaves the verdict to the caller.
func through(t *testing.T, o torture.Options, kill func(*torture.Killer) error) (torture.Verdict, *torture.Killer) {
	t.Helper()
	w, err := torture.NewWorld(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	begun := time.Now()
	k := torture.NewKiller(w, rand.New(rand.NewPCG(o.Seed, 1)))
	if err := kill(k); err != nil {
		t.Fatal(err)
	}
	lived := time.Since(begun).Round(time.Millisecond)
	v, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills in %s, %s to the end: %s", k.Kills.Sum(), lived, time.Since(begun).Round(time.Millisecond)-lived,
		v.String())
	return v, k
}

// keep copies what a world has left, for a look at it.
func keep(t *testing.T, dir string) {
	t.Helper()
	to := os.Getenv("TORTURE_KEEP")
	if to == "" {
		t.Log("TORTURE_KEEP=folder keeps the data of a world with problems")
		return
	}
	to = filepath.Join(to, strconv.FormatInt(time.Now().UnixNano(), 36))
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Error(err)
	}
	t.Logf("the data are kept in %s", to)
}
