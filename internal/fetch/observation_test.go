package fetch

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

func observe(t testing.TB, dir string, limit int, body string) *Observation {
	t.Helper()
	o := &Observation{Batch: "b", body: newSpool(dir, limit)}
	t.Cleanup(o.close)
	for len(body) > 0 { // as it comes from a network
		n := min(len(body), 1+rand.IntN(1000))
		if _, err := o.body.Write([]byte(body[:n])); err != nil {
			t.Fatal(err)
		}
		body = body[n:]
	}
	return o
}

func results(t testing.TB, o *Observation) []string {
	t.Helper()
	var all []string
	err := o.Each(context.Background(), func(r syllable.Result) error {
		all = append(all, string(r.Raw))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSpool(t *testing.T) {
	t.Parallel()
	var want []string
	for i := range 300 {
		want = append(want, fmt.Sprintf(`{"reference_id":"r%d","x":%q}`, i, strings.Repeat("x", i)))
	}
	body := "[" + strings.Join(want, ",") + "]"
	for name, limit := range map[string]int{"in memory": len(body), "in a file": len(body) - 1, "all in a file": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := observe(t, dir, limit, body)
			if err := o.validate(context.Background(), func(syllable.Result) {}); err != nil {
				t.Fatal(err)
			}
			for range 2 { // it can be read as often as wanted
				if d := cmp.Diff(want, results(t, o)); d != "" {
					t.Fatalf("results (-want +got):\n%s", d)
				}
			}
			if o.body.fingerprint() != observe(t, dir, 1<<20, body).body.fingerprint() {
				t.Error("the fingerprint depends on how the body came")
			}
			if (o.body.file != nil) != (limit < len(body)) {
				t.Errorf("in a file: %v", o.body.file != nil)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("a name in the folder: %v", left)
			}
		})
	}
}

func TestSpoolSaysWhenItCannotWrite(t *testing.T) {
	t.Parallel()
	s := newSpool(filepath.Join(t.TempDir(), "missing"), 0)
	if _, err := s.Write([]byte("x")); err == nil || !strings.Contains(err.Error(), "large body") {
		t.Errorf("error %v", err)
	}
}

func TestRemoveLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"spool-1.tmp", "notifier.db"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	removeLeftovers(dir)
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != "notifier.db" {
		t.Errorf("left %v", left)
	}
}

// Whatever the order of a list with repeated ids, the same results are used,
// one for each id.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "n")
		items := make([]string, n)
		best := map[string]string{}
		attempts := map[string]int{}
		for i := range items {
			id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "id")
			try := rapid.IntRange(0, 2).Draw(rt, "attempts")
			items[i] = fmt.Sprintf(`{"reference_id":%q,"attempt_count":%d,"s":%q}`,
				id, try, rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "s"))
			if best[id] == "" || try > attempts[id] || try == attempts[id] && items[i] > best[id] {
				best[id], attempts[id] = items[i], try
			}
		}
		for range 3 {
			rand.Shuffle(n, func(i, j int) { items[i], items[j] = items[j], items[i] })
			o := observe(t, "", 1<<20, "["+strings.Join(items, ",")+"]")
			if err := o.validate(context.Background(), func(syllable.Result) {}); err != nil {
				rt.Fatal(err)
			}
			got := map[string]string{}
			for _, raw := range results(t, o) {
				r, err := syllable.ParseResult([]byte(raw))
				if err != nil || got[r.ReferenceID] != "" {
					rt.Fatalf("%s twice, or %v", r.ReferenceID, err)
				}
				got[r.ReferenceID] = raw
			}
			if d := cmp.Diff(best, got); d != "" {
				rt.Fatalf("used (-want +got):\n%s", d)
			}
			if o.Duplicates != n-len(best) {
				rt.Fatalf("%d duplicates, want %d", o.Duplicates, n-len(best))
			}
		}
	})
}

// BenchmarkObservation reads a list of 10,000 results, whole and again.
func BenchmarkObservation(b *testing.B) {
	var body bytes.Buffer
	body.WriteByte('[')
	for i := range 10_000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"reference_id":"ref-%d","target":"+12065550142","request_status":"COMPLETED","x":"%s"}`,
			i, strings.Repeat("x", 600))
	}
	body.WriteByte(']')
	b.SetBytes(int64(body.Len()))
	for b.Loop() {
		o := observe(b, b.TempDir(), memoryLimit, body.String())
		if err := o.validate(context.Background(), func(syllable.Result) {}); err != nil {
			b.Fatal(err)
		}
		results(b, o)
	}
}
