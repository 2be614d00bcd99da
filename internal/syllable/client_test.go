package syllable_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/syllable-notifier/notifier/internal/simulator"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "canary-key-4711"

func client(t *testing.T, h http.HandlerFunc) *syllable.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c := syllable.New(srv.URL+"/", key, "notifier/test")
	t.Cleanup(c.Close)
	return c
}

func TestRequests(t *testing.T) {
	t.Parallel()
	var asked []string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.RequestURI())
		if got := r.Header.Get("Syllable-API-Key"); got != key {
			t.Errorf("key %q", got)
		}
		if got := r.Header.Get("User-Agent"); got != "notifier/test" {
			t.Errorf("user agent %q", got)
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/results"):
			io.WriteString(w, `[]`)
		case strings.HasSuffix(r.URL.Path, "/batches"):
			io.WriteString(w, `{"items":[],"page":0,"total_pages":null}`)
		default:
			io.WriteString(w, `{"batch_id":"x","id":7,"campaign_name":"n","more":{"a":[]}}`)
		}
	})
	ctx := t.Context()
	err := errors.Join(
		results(ctx, c, "a/b.9 c", syllable.Filter{}, io.Discard),
		results(ctx, c, "..", syllable.Filter{}, io.Discard),
		results(ctx, c, "b", syllable.Filter{ReferenceID: "r&1", Status: "FAILED", InsightsStatus: "COMPLETED"}, io.Discard),
		batches(ctx, c, syllable.Steady, func(syllable.Batch) bool { return true }),
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Batch(ctx, "20260822.9"); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Campaign(ctx, 7); err != nil || got.ID != 7 || got.Name != "n" {
		t.Fatalf("campaign %+v, error %v", got, err)
	}
	want := []string{
		"GET /api/v1/outbound/batches/a%2Fb.9%20c/results",
		"GET /api/v1/outbound/batches/%2E%2E/results",
		"GET /api/v1/outbound/batches/b/results?insights_status=COMPLETED&reference_id=r%261&status=FAILED",
		"GET /api/v1/outbound/batches?limit=100&order_by=batch_id&order_by_direction=asc&page=0",
		"GET /api/v1/outbound/batches/20260822.9",
		"GET /api/v1/outbound/campaigns/7",
	}
	if d := cmp.Diff(want, asked); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

// The client and the simulator share no types; here they meet.
func TestAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Options{Seed: 1, APIKey: key})
	id := sim.AddCampaign(simulator.Campaign{Name: "Reminders"})
	for i := range 130 { // more than a page
		n := simulator.NewBatch{ID: fmt.Sprintf("20260822.%d", i), CampaignID: id, Calls: 3}
		if err := sim.CreateBatch(n); err != nil {
			t.Fatal(err)
		}
	}
	c := client(t, sim.Handler().ServeHTTP)
	found := map[string]bool{}
	err := batches(t.Context(), c, syllable.Steady, func(b syllable.Batch) bool {
		found[b.BatchID] = b.CampaignID != nil && *b.CampaignID == id && !b.Deleted()
		return true
	})
	if err != nil || len(found) != 130 || !found["20260822.129"] {
		t.Errorf("%d batches, error %v", len(found), err)
	}
	b, err := c.Batch(t.Context(), "20260822.9")
	if err != nil || b.Breakdown["PENDING"].Total != 3 {
		t.Errorf("batch %+v, error %v", b, err)
	}
	var body bytes.Buffer
	if err := results(t.Context(), c, "20260822.9", syllable.Filter{ReferenceID: "ref-000002"}, &body); err != nil {
		t.Fatal(err)
	}
	n := 0
	err = syllable.ReadResults(&body, func(raw []byte) error {
		n++
		_, err := syllable.ParseResult(raw)
		return err
	})
	if err != nil || n != 1 {
		t.Errorf("%d results, error %v", n, err)
	}
	if got, err := c.Campaign(t.Context(), id); err != nil || got.Name != "Reminders" {
		t.Errorf("campaign %+v, error %v", got, err)
	}
	if err := results(t.Context(), c, "nope", syllable.Filter{}, io.Discard); !syllable.IsNotFound(err) {
		t.Errorf("error %v, want not found", err)
	}
}

func TestStatusErrors(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{
		401: "NOTIFIER_SYLLABLE_API_KEY", 403: "NOTIFIER_SYLLABLE_API_KEY", 404: "does not exist", 410: "does not exist",
		422: "does not accept", 302: "redirects are not followed", 500: "500 Internal Server Error", 429: "429",
		204: "204", 206: "206",
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			c := client(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(code)
			})
			err := results(t.Context(), c, "b", syllable.Filter{}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), key) {
				t.Errorf("error %v, want one with %q and without the key", err, want)
			}
			if syllable.IsUnauthorized(err) != (code == 401 || code == 403) ||
				syllable.IsNotFound(err) != (code == 404 || code == 410) || syllable.RetryAfterOf(err) != 7*time.Second {
				t.Errorf("error %v is taken for another one", err)
			}
		})
	}
}

// Neither another port nor another host hears of anything, nor does the same
// server again.
func TestFault18Redirect(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed")
	}))
	t.Cleanup(other.Close)
	_, port, _ := net.SplitHostPort(other.Listener.Addr().String())
	for name, location := range map[string]string{
		"another port": other.URL, "another host": "http://localhost:" + port + "/", "the same server": "/elsewhere",
		"no scheme": "//localhost:" + port, "nowhere": "", "no address": "http://%zz/canary",
	} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(name, " ", code), func(t *testing.T) {
				t.Parallel()
				asked := 0
				c := client(t, func(w http.ResponseWriter, _ *http.Request) {
					asked++
					w.Header().Set("Location", location)
					w.WriteHeader(code)
				})
				err := results(t.Context(), c, "b", syllable.Filter{}, io.Discard)
				if err == nil || !strings.Contains(err.Error(), "set NOTIFIER_SYLLABLE_URL") ||
					strings.Contains(err.Error(), "canary") || asked != 1 {
					t.Errorf("error %v after %d requests, want one that says what to do", err, asked)
				}
			})
		}
	}
}

func TestCutBody(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `[{"reference_id":"a"}]`)
	})
	err := results(t.Context(), c, "b", syllable.Filter{}, io.Discard)
	if !errors.Is(err, syllable.ErrBody) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("error %v, want that the body was cut off", err)
	}
}

func TestObjectBodiesAreBelievedCarefully(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"null": "null", "a list": "[]", "HTML": "<html>", "cut": `{"batch_id":"b"`, "something after": `{"batch_id":"b"}x`,
		"no id": `{"status":"ACTIVE"}`, "wrong type": `{"batch_id":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
			if _, err := c.Batch(t.Context(), "b"); !errors.Is(err, syllable.ErrBody) {
				t.Errorf("error %v, want that the body is not valid", err)
			}
		})
	}
	for name, body := range map[string]string{
		"no items": `{"page":0}`, "null items": `{"items":null}`, "an item without id": `{"items":[{"status":"x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
			err := batches(t.Context(), c, syllable.Steady, func(syllable.Batch) bool { return true })
			if !errors.Is(err, syllable.ErrBody) {
				t.Errorf("error %v, want that the body is not valid", err)
			}
		})
	}
}

// A small answer that decompresses to more than the bound of a page.
func TestFault12GzipBomb(t *testing.T) {
	t.Parallel()
	c := client(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			t.Error(err)
			return
		}
		defer z.Close()
		io.WriteString(z, `{"batch_id":"`)
		chunk := bytes.Repeat([]byte("x"), 1<<20)
		for range 16 {
			if _, err := z.Write(chunk); err != nil {
				return // the client has seen enough
			}
		}
	})
	if _, err := c.Batch(t.Context(), "b"); !errors.Is(err, syllable.ErrTooLarge) {
		t.Errorf("error %v, want that the body is too large", err)
	}
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "[")
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	if err := results(ctx, c, "b", syllable.Filter{}, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}

func TestKeyCannotBePrinted(t *testing.T) {
	t.Parallel()
	secret := syllable.Key(key)
	if got := fmt.Sprintf("%v %s %+v", secret, secret, secret); strings.Contains(got, key) {
		t.Errorf("printed %s", got)
	}
}

// results asks without a known version.
func results(ctx context.Context, c *syllable.Client, batch string, f syllable.Filter, w io.Writer) error {
	_, err := c.Results(ctx, batch, f, syllable.Version{}, w)
	return err
}

// batches reads a list of batches.
func batches(
	ctx context.Context, c *syllable.Client, o syllable.Order, each func(syllable.Batch) bool,
) error {
	return syllable.EachBatch(func(n int) (syllable.BatchPage, error) {
		return c.BatchPage(ctx, o, n, 100)
	}, each)
}
