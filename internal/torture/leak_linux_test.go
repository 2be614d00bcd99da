package torture_test

import (
	"flag"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/torture"
)

var leakFor = flag.Duration("leak", 0, "how long TestFault60Flat watches a daemon; make leak has 30m")

const (
	// samples are taken of a process, at even distances.
	samples = 120
	// rows of them are printed.
	rows = 12
	// leakCalls is how many calls a batch has. The state keeps each of them for
	// good, and what is in memory for each batch that the platform lists is no
	// leak: few batches, and calls that go on.
	leakCalls = 400
	// settled is how long a run must be to be judged: before, the daemon grows to
	// what it needs. A shorter one must only not hold twice as much.
	settled = 5 * time.Minute
)

// A daemon that has much to do for long holds no more of anything than it did:
// the last quarter of the time is compared with the second.
func TestFault60Flat(t *testing.T) {
	t.Parallel()
	if *leakFor == 0 {
		t.Skip("it takes its time: make leak")
	}
	w, err := torture.NewWorld(t.Context(), torture.Options{
		Bin: build(t), Dir: t.TempDir(), Seed: chance(t), Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer http.DefaultClient.CloseIdleConnections()
	w.Platform.BatchCalls = leakCalls
	// Events leave the stream again after a minute, so that it comes to an end too.
	p, err := w.Start(t.Context(), "NOTIFIER_HTTP_ADDR=127.0.0.1:0", "NOTIFIER_RETENTION=1m",
		"NOTIFIER_POLL_INTERVAL=250ms", "NOTIFIER_DISCOVERY_INTERVAL=1s")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	at, err := p.Running(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []torture.Usage
	ticker := time.NewTicker(*leakFor / samples)
	defer ticker.Stop()
	for range samples {
		if err := w.Platform.Feed(); err != nil {
			t.Fatal(err)
		}
		<-ticker.C
		u, err := p.Usage(t.Context(), at.HTTP)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	compare(t, all)
	events := uint64(0)
	for _, n := range w.Journal.Told() {
		events += n
	}
	t.Logf("%d events of %d batches in %s", events, len(w.Journal.Told()), *leakFor)
	for _, problem := range w.Journal.Problems() {
		t.Error(problem)
	}
}

// compare prints a table, and compares the quarters.
func compare(t *testing.T, all []torture.Usage) {
	t.Helper()
	const mb = 1 << 20
	t.Logf("%8s %10s %6s %12s %12s", "after", "goroutines", "files", "resident MB", "private MB")
	for i := len(all)/rows - 1; i < len(all); i += len(all) / rows {
		u := all[i]
		t.Logf("%8s %10d %6d %12.1f %12.1f", (*leakFor * time.Duration(i+1) / samples).Round(time.Second),
			u.Goroutines, u.Files, float64(u.Resident)/mb, float64(u.Private)/mb)
	}
	for _, m := range []struct {
		name    string
		of      func(torture.Usage) int
		percent int // by which the last quarter may be above the second, or
		more    int // so much
	}{
		{"goroutines", func(u torture.Usage) int { return u.Goroutines }, 10, 5},
		{"files", func(u torture.Usage) int { return u.Files }, 10, 5},
		{"bytes of private memory", func(u torture.Usage) int { return u.Private }, 15, 0},
	} {
		before, after := median(all[len(all)/4:len(all)/2], m.of), median(all[len(all)*3/4:], m.of)
		most := before + max(before*m.percent/100, m.more)
		if *leakFor < settled {
			most = 2 * before
		}
		t.Logf("%s: %d in the second quarter, %d in the last, %d at most", m.name, before, after, most)
		if after > most {
			t.Errorf("the daemon holds ever more %s: %d in the second quarter, %d in the last", m.name, before, after)
		}
	}
}

func median(all []torture.Usage, of func(torture.Usage) int) int {
	values := make([]int, len(all))
	for i, u := range all {
		values[i] = of(u)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
