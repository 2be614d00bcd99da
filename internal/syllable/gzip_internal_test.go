package syllable

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serving returns a client of a server that answers with h.
func serving(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c := New(srv.URL, "k", "test")
	t.Cleanup(c.Close)
	return c
}

// list reads the results of a batch and returns the body.
func (c *Client) list(t *testing.T) (string, error) {
	t.Helper()
	var body bytes.Buffer
	_, err := c.Results(t.Context(), "b", Filter{}, Version{}, &body)
	return body.String(), err
}

func zipped(t *testing.T, parts ...string) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, part := range parts { // each a member of its own
		z := gzip.NewWriter(&all)
		io.WriteString(z, part)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all.Bytes()
}

func TestGzip(t *testing.T) {
	t.Parallel()
	const text = `[{"reference_id":"a","insights":{"summary":"It was about a bill."}}]`
	whole := zipped(t, text)
	changed := func(at int, by byte) []byte {
		b := bytes.Clone(whole)
		b[(at+len(b))%len(b)] ^= by
		return b
	}
	for name, tt := range map[string]struct {
		body []byte
		want string // "": that the body is not valid
	}{
		"whole":              {whole, text},
		"two members":        {zipped(t, text[:20], text[20:]), text},
		"no header":          {[]byte(text), ""},
		"a broken header":    {changed(0, 1), ""},
		"a broken body":      {changed(10, 0xff), ""},
		"a broken checksum":  {changed(-8, 1), ""},
		"a broken length":    {changed(-1, 1), ""},
		"cut in the header":  {whole[:5], ""},
		"cut in the middle":  {whole[:len(whole)/2], ""},
		"cut in the trailer": {whole[:len(whole)-1], ""},
		"garbage after it":   {append(bytes.Clone(whole), "garbage"...), ""},
		"half a member more": {append(bytes.Clone(whole), whole[:8]...), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serving(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "gzip" {
					t.Errorf("Accept-Encoding %q", r.Header.Get("Accept-Encoding"))
				}
				w.Header().Set("Content-Encoding", "GZip")
				w.Write(tt.body)
			})
			got, err := c.list(t)
			if tt.want != "" && (err != nil || got != tt.want) || tt.want == "" && !errors.Is(err, ErrBody) {
				t.Errorf("%q, error %v", got, err)
			}
		})
	}
}

// A list that is nothing at all, compressed or not, is for ReadResults to refuse.
func TestEmptyGzip(t *testing.T) {
	t.Parallel()
	for _, body := range [][]byte{nil, zipped(t, "")} {
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(body)
		})
		got, err := c.list(t)
		if err == nil {
			err = ReadResults(strings.NewReader(got), func([]byte) error { return nil })
		}
		if !errors.Is(err, ErrBody) {
			t.Errorf("error %v, want that the body is not valid", err)
		}
	}
}

// A body that decodes to nothing, for ever, is bounded by what goes in.
func TestFault12GzipOfNothing(t *testing.T) {
	t.Parallel()
	nothing := bytes.Repeat(zipped(t, ""), 1000)
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		for r.Context().Err() == nil {
			if _, err := w.Write(nothing); err != nil {
				return // the client has seen enough
			}
		}
	})
	c.http.Transport = compressed{c.transport, 100_000}
	if got, err := c.list(t); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d bytes, error %v, want that the body is too large", len(got), err)
	}
}

// A body that never ends is not read further than it may go, to the byte.
func TestFault11ByteCap(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	for length, want := range map[int]error{limit - 1: nil, limit: nil, limit + 1: ErrTooLarge, 10 * limit: ErrTooLarge} {
		for _, encoding := range []string{"", "gzip"} {
			c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", encoding)
				body := strings.Repeat(" ", length)
				if encoding == "gzip" {
					w.Write(zipped(t, body))
					return
				}
				io.WriteString(w, body)
			})
			var read int64
			err := c.get(t.Context(), request{op: "x", path: "x", limit: limit}, func(r io.Reader) (err error) {
				read, err = io.Copy(io.Discard, r)
				return err
			})
			if !errors.Is(err, want) || read > limit || want == nil && read != int64(length) {
				t.Errorf("%d bytes %s: read %d, error %v, want %v", length, encoding, read, err, want)
			}
		}
	}
}
