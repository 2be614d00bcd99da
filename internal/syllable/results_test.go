package syllable_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

const whole = ` [ {"reference_id":"a","target":"+12065550142","request_variables":{"x":"y"},"request_status":"FAILED",
  "channel_manager_status":null, "attempt_count": 2,
  "insights":{"rating" : "Good", "score": 1.50, "text":"a \"b\" <c>"},"new_field":[1,{"deep":null}]} ,
 {"reference_id":"b"}] `

func read(body string) ([]string, error) {
	var all []string
	err := syllable.ReadResults(strings.NewReader(body), func(raw []byte) error {
		all = append(all, string(raw))
		return nil
	})
	return all, err
}

func TestReadResultsKeepsTheObjectsAsTheyAre(t *testing.T) {
	t.Parallel()
	got, err := read(whole)
	if err != nil {
		t.Fatal(err)
	}
	_, first, _ := strings.Cut(whole, "[ ")
	first, _, _ = strings.Cut(first, " ,\n {")
	if d := cmp.Diff([]string{first, `{"reference_id":"b"}`}, got); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
}

// A list that ends anywhere but at its end is not a list, however it was cut.
func TestFault01TruncatedBody(t *testing.T) {
	t.Parallel()
	end := strings.TrimRight(whole, " ")
	for n := range len(end) {
		if _, err := read(end[:n]); !errors.Is(err, syllable.ErrBody) {
			t.Errorf("cut after %d bytes: error %v, want one that the body is not valid", n, err)
		}
	}
}

func TestFault02HTML(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a page": "<html><body>Bad gateway</body></html>", "after white space": "\n <!DOCTYPE html><title>Log in</title>",
	} {
		refused(t, name, body, "proxy or login page")
	}
}

func TestFault03NullBody(t *testing.T) {
	t.Parallel()
	refused(t, "null", `null`, "got null")
	refused(t, "null in the list", `[null]`, "got null in it")
	refused(t, "nothing", ``, "cut off")
}

func TestFault04Garbage(t *testing.T) {
	t.Parallel()
	refused(t, "garbage after the list", `[]garbage`, "not JSON")
	refused(t, "another list", `[] []`, "something follows")
	refused(t, "a NUL", "[]\x00", "not JSON")
	refused(t, "garbage before it", `)]}',[]`, "not JSON")
}

// A key that occurs twice is refused, however it is written. One in other letters
// is another key.
func TestFault07Keys(t *testing.T) {
	t.Parallel()
	refused(t, "a key twice", `[{"reference_id":"a","reference_id":"b"}]`, "same key twice")
	refused(t, "escaped", `[{"reference_id":"a","reference\u005fid":"b"}]`, "same key twice")
	refused(t, "deep down", `[{"reference_id":"a","x":[{"k":1,"k":1}]}]`, "same key twice")
	r, err := syllable.ParseResult([]byte(`{"Reference_ID":"b","reference_id":"a","REQUEST_STATUS":"FAILED"}`))
	if err != nil || r.ReferenceID != "a" || r.RequestStatus != nil {
		t.Errorf("reference id %q, status %v, error %v", r.ReferenceID, r.RequestStatus, err)
	}
}

func TestReadResultsRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"an object":        {`{"detail":"no"}`, "got an object"},
		"a string":         {`"[]"`, "got a string"},
		"a list in it":     {`[[]]`, "got a list in it"},
		"invalid UTF-8":    {"[{\"reference_id\":\"a\xff\"}]", "not JSON"},
		"a trailing comma": {`[{"reference_id":"a"},]`, ""},
		"NaN":              {`[{"reference_id":NaN}]`, "not JSON"},
		"a byte order":     {"\ufeff[]", "not JSON"},
	} {
		refused(t, name, tt.body, tt.want)
	}
}

// refused makes sure that a body is not valid, and that the error says so.
func refused(t *testing.T, name, body, want string) {
	t.Helper()
	if _, err := read(body); !errors.Is(err, syllable.ErrBody) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want one that the body is not valid, with %q", name, err, want)
	}
}

// The decoder's own errors may quote the body; ours must not.
func TestErrorsDoNotQuoteTheBody(t *testing.T) {
	t.Parallel()
	const canary = "2065550142"
	for _, body := range []string{
		`[{"` + canary + `":1,"` + canary + `":2}]`, `[{"reference_id":"` + canary, `{"` + canary + `":` + canary + `}`,
		`[` + canary + `]`, "<html>" + canary, `[{"reference_id":"x"}] ` + canary, `[{"reference_id":"` + canary + "\xff\"}]",
	} {
		if _, err := read(body); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("error %v for %s", err, body)
		}
	}
	for _, raw := range []string{
		`{"reference_id":` + canary + `}`, `{"reference_id":"a","request_status":` + canary + `}`,
		`{"reference_id":"` + strings.Repeat(canary, 200) + `"}`,
	} {
		if _, err := syllable.ParseResult([]byte(raw)); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("error %v for %s", err, raw)
		}
	}
}

func TestParseResult(t *testing.T) {
	t.Parallel()
	raws, err := read(whole)
	if err != nil {
		t.Fatal(err)
	}
	r, err := syllable.ParseResult([]byte(raws[0]))
	if err != nil {
		t.Fatal(err)
	}
	failed := "FAILED"
	if d := cmp.Diff(&failed, r.RequestStatus); d != "" {
		t.Errorf("request_status (-want +got):\n%s", d)
	}
	if r.ChannelStatus != nil || r.InsightsStatus != nil {
		t.Error("a null and an absent status must be nil")
	}
	if r.Attempts() != 2 || string(r.Raw) != raws[0] {
		t.Errorf("attempts %v, raw %s", r.Attempts(), r.Raw)
	}
	for name, raw := range map[string]string{
		"no reference_id":          `{"request_status":"FAILED"}`,
		"an empty reference_id":    `{"reference_id":""}`,
		"a number as reference_id": `{"reference_id":1}`,
		"a number as status":       `{"reference_id":"a","request_status":1}`,
	} {
		if _, err := syllable.ParseResult([]byte(raw)); !errors.Is(err, syllable.ErrBody) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	odd, err := syllable.ParseResult([]byte(`{"reference_id":"a","attempt_count":"many","insights":[1]}`))
	if err != nil || odd.Attempts() != 0 {
		t.Errorf("fields that are not tracked: attempts %v, error %v", odd.Attempts(), err)
	}
}

func TestInsightsFingerprint(t *testing.T) {
	t.Parallel()
	fingerprint := func(insights string) string {
		r, err := syllable.ParseResult([]byte(`{"reference_id":"a","insights":` + insights + `}`))
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.InsightsFingerprint()
		if err != nil {
			t.Fatal(err)
		}
		if f == nil {
			return "null"
		}
		return *f
	}
	// sha256 of {"rating":"Good"}, by sha256sum.
	const want = "d1132f0e4b42361a"
	if got := fingerprint("{ \"rating\" :\n\"Good\" }"); got != want {
		t.Errorf("fingerprint %s, want %s: white space does not count", got, want)
	}
	if got := fingerprint("null"); got != "null" {
		t.Errorf("fingerprint of null: %s", got)
	}
	if fingerprint(`{"rating":"Bad"}`) == want {
		t.Error("another content has the same fingerprint")
	}
}

func FuzzReadResults(f *testing.F) {
	for _, seed := range []string{whole, "null", "[]garbage", "[]", `[{"reference_id":"a"}]`, `[{}`, "<html>", "[\xff]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		read := func(b []byte) (n int, err error) {
			err = syllable.ReadResults(bytes.NewReader(b), func(raw []byte) error {
				n++
				r, err := syllable.ParseResult(raw)
				if err == nil {
					_, err = r.InsightsFingerprint()
				}
				return err
			})
			return n, err
		}
		n, err := read(body)
		if err != nil {
			return
		}
		// What was taken as whole must not be whole when its end is missing.
		cut := bytes.TrimRight(body, " \t\r\n")
		if _, err := read(cut[:len(cut)-1]); err == nil {
			t.Errorf("a list of %d results is valid without its last byte", n)
		}
	})
}
