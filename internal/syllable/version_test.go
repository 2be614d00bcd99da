package syllable_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

var sent = time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)

// What an answer said of its version is what the next request asks with.
func TestVersions(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) string { return sent.Add(-d).Format(http.TimeFormat) }
	for name, tt := range map[string]struct{ etag, modified, date, match, since string }{
		"neither":                       {},
		"strong ETag":                   {etag: `"1"`, match: `"1"`},
		"weak ETag":                     {etag: `W/"1"`},
		"Last-Modified, 2 s before":     {modified: ago(2 * time.Second), date: ago(0), since: ago(2 * time.Second)},
		"Last-Modified, 1 s before":     {modified: ago(time.Second), date: ago(0)},
		"Last-Modified in the future":   {modified: ago(-time.Hour), date: ago(0)},
		"Last-Modified without a Date":  {modified: ago(time.Hour), date: "-"},
		"Last-Modified that is not one": {modified: "2026-08-22T09:00:00Z", date: ago(0)},
		"both":                          {`"1"`, ago(time.Hour), ago(0), `"1"`, ago(time.Hour)},
		"weak ETag and Last-Modified":   {`W/"1"`, ago(time.Hour), ago(0), "", ago(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked [][2]string
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, [2]string{r.Header.Get("If-None-Match"), r.Header.Get("If-Modified-Since")})
				for header, v := range map[string]string{"ETag": tt.etag, "Last-Modified": tt.modified, "Date": tt.date} {
					switch v {
					case "":
					case "-":
						w.Header()[header] = nil // the server adds one by itself
					default:
						w.Header().Set(header, v)
					}
				}
				io.WriteString(w, "[]")
			})
			known, err := c.Results(t.Context(), "b", syllable.Filter{}, syllable.Version{}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Results(t.Context(), "b", syllable.Filter{}, known, io.Discard); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([][2]string{{}, {tt.match, tt.since}}, asked); d != "" {
				t.Errorf("asked with (-want +got):\n%s", d)
			}
		})
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	stale := false // answers 304 whatever it is asked
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if stale || r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, "[]")
	})
	first, err := c.Results(t.Context(), "b", syllable.Filter{}, syllable.Version{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	again, err := c.Results(t.Context(), "b", syllable.Filter{}, first, &body)
	if !errors.Is(err, syllable.ErrNotModified) || again != first || body.Len() > 0 {
		t.Errorf("error %v, version %v, %d bytes, want the known version not modified", err, again, body.Len())
	}
	// Nothing is known of a list that was never read.
	stale = true
	_, err = c.Results(t.Context(), "b", syllable.Filter{}, syllable.Version{}, io.Discard)
	if err == nil || errors.Is(err, syllable.ErrNotModified) || !syllable.IsAbout(err) ||
		strings.Contains(err.Error(), "redirect") {
		t.Errorf("error %v, want one about a 304 that was not asked for", err)
	}
	if _, err := c.Batch(t.Context(), "b"); err == nil || errors.Is(err, syllable.ErrNotModified) {
		t.Errorf("error %v of the details of a batch, want one about a 304 that was not asked for", err)
	}
}
