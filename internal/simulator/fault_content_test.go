package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// spoilt returns what a fault makes of an answer, beside the true one.
func spoilt(t testing.TB, fault, path string) (truly, got string) {
	t.Helper()
	s := lively(t)
	truly = to(s.Handler(), "GET", path, "").Body.String()
	return truly, to(s.Faulty(mustFaults(t, 5, fault)), "GET", path, "").Body.String()
}

func decoded[T any](t testing.TB, body string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %.200s", err, body)
	}
	return v
}

func TestBodyFaults(t *testing.T) {
	t.Parallel()
	for fault, check := range map[string]func(got string) bool{
		"null":    func(got string) bool { return got == "null" },
		"garbage": func(got string) bool { return got == "[]garbage" },
		"html":    func(got string) bool { return strings.HasPrefix(got, "<!DOCTYPE html>") },
		"empty":   func(got string) bool { return got == "[]" },
		"badutf8": func(got string) bool { return !utf8.ValidString(got) && json.Valid([]byte(got)) },
		"dupkey": func(got string) bool {
			return json.Valid([]byte(got)) && !jsontext.Value(got).IsValid() &&
				jsontext.Value(got).IsValid(jsontext.AllowDuplicateNames(true))
		},
		"dupkey=case": func(got string) bool {
			return jsontext.Value(got).IsValid() && strings.Contains(got, `,"Request_status":"CANCELED"}`)
		},
	} {
		if _, got := spoilt(t, fault, resultsOfB); !check(got) {
			t.Errorf("%s: %.300s", fault, got)
		}
	}
}

func TestListFaults(t *testing.T) {
	t.Parallel()
	for fault, check := range map[string]func(truly, got []string) bool{
		"shrink": func(truly, got []string) bool {
			more := func(ref string) bool { return !slices.Contains(truly, ref) }
			return len(got) == len(truly)*2/3 && !slices.ContainsFunc(got, more)
		},
		"shuffle": func(truly, got []string) bool {
			return !slices.Equal(truly, got) && slices.Equal(truly, slices.Sorted(slices.Values(got)))
		},
		"duplicate": func(truly, got []string) bool {
			slices.Sort(got)
			return len(got) == len(truly)+1 && slices.Equal(truly, slices.Compact(got))
		},
	} {
		truly, got := spoilt(t, fault, resultsOfB)
		if !check(refs(decoded[[]result](t, truly)), refs(decoded[[]result](t, got))) {
			t.Errorf("%s: %v", fault, refs(decoded[[]result](t, got)))
		}
		if strings.Contains(got, `\u00`) {
			t.Errorf("%s escapes what the platform does not", fault)
		}
	}
}

func TestDuplicateHasOtherContent(t *testing.T) {
	t.Parallel()
	_, got := spoilt(t, "duplicate", resultsOfB)
	statuses := map[string][]string{}
	for _, r := range decoded[[]result](t, got) {
		statuses[r.ReferenceID] = append(statuses[r.ReferenceID], r.RequestStatus)
	}
	for ref, s := range statuses {
		if len(s) == 2 && s[0] == s[1] {
			t.Errorf("%s is there twice as %v", ref, s)
		}
	}
}

func TestStatusFaults(t *testing.T) {
	t.Parallel()
	truly, got := spoilt(t, "unknown-status=ON HOLD", resultsOfB)
	before, after := decoded[[]result](t, truly), decoded[[]result](t, got)
	changed := 0
	for i := range before {
		if after[i].RequestStatus == "ON HOLD" {
			changed++
		} else if after[i].RequestStatus != before[i].RequestStatus {
			t.Errorf("%s: %s became %s", before[i].ReferenceID, before[i].RequestStatus, after[i].RequestStatus)
		}
	}
	if changed == 0 || changed > len(before)/2 {
		t.Errorf("%d of %d calls ON HOLD, want some", changed, len(before))
	}

	truly, got = spoilt(t, "backwards", resultsOfB)
	before, after = decoded[[]result](t, truly), decoded[[]result](t, got)
	back := map[string]string{
		"COMPLETED": "INITIATED", "FAILED": "INITIATED", "CONNECTED": "INITIATED", "INITIATED": "PENDING",
	}
	changed = 0
	for i := range before {
		if b, a := before[i].RequestStatus, after[i].RequestStatus; a != b {
			changed++
			if a != back[b] {
				t.Errorf("%s went from %s back to %s", before[i].ReferenceID, b, a)
			}
		}
	}
	if changed == 0 || changed > len(before)/2 {
		t.Errorf("%d of %d calls went back, want some", changed, len(before))
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	type times struct {
		CreatedAt time.Time  `json:"created_at"`
		SentAt    *time.Time `json:"sent_at"`
	}
	for fault, by := range map[string]time.Duration{"skew": -5 * time.Hour, "skew=90m": 90 * time.Minute} {
		truly, got := spoilt(t, fault, resultsOfB)
		before, after := decoded[[]times](t, truly), decoded[[]times](t, got)
		for i := range before {
			if !after[i].CreatedAt.Equal(before[i].CreatedAt.Add(by)) || (after[i].SentAt == nil) != (before[i].SentAt == nil) ||
				after[i].SentAt != nil && !after[i].SentAt.Equal(before[i].SentAt.Add(by)) {
				t.Fatalf("%s: %+v became %+v", fault, before[i], after[i])
			}
		}
	}
}

// Pages and single objects can be spoilt as well; what has nothing to spoil
// passes, and is not counted.
func TestFaultsOfOtherAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault, path, contains string
	}{
		{"empty", "/batches", `"items":[],"page":0,"page_size":25,"total_count":0,"total_pages":0`},
		{"unknown-status", "/batches", `"status":"REROUTED"`},
		{"unknown-status", "/batches/b", `"status":"REROUTED"`},
		{"backwards", "/batches/b", `"status":"PENDING"`},
		{"duplicate", "/batches", `"status":"PAUSED"`},
		{"duplicate", "/campaigns", `"description":"another version"`},
		{"dupkey", "/campaigns/1", `,"campaign_name":"Another"}`},
		{"skew=1h", "/campaigns/1", `"created_at":"2026-08-22T10:00:00Z"`},
		{"badutf8", "/batches/b", "\xff"},
	} {
		truly, got := spoilt(t, tt.fault, api+tt.path)
		if got == truly || !strings.Contains(got, tt.contains) {
			t.Errorf("%s of %s: %s, want it with %s", tt.fault, tt.path, got, tt.contains)
		}
	}
	for _, tt := range []struct{ fault, path string }{
		{"empty", "/batches/b"}, {"shuffle", "/batches/b"}, {"shuffle", "/batches"}, {"unknown-status", "/campaigns"},
		{"shrink", "/batches/b/results?status=NONE"}, {"backwards", "/batches/b/results?status=PENDING"},
		{"skew", "/batches/none"}, {"truncate", "/batches/none"}, {"dupkey", "/batches/b/results?status=NONE"},
		{"badutf8", "/batches/b/results?status=NONE"},
	} {
		s := lively(t)
		f := mustFaults(t, 1, tt.fault)
		truly, got := to(s.Handler(), "GET", api+tt.path, ""), to(s.Faulty(f), "GET", api+tt.path, "")
		if !bytes.Equal(truly.Body.Bytes(), got.Body.Bytes()) || truly.Code != got.Code || len(f.Hits()) != 0 ||
			got.Header().Get("Content-Type") != truly.Header().Get("Content-Type") {
			t.Errorf("%s of %s: %d %s, hits %v, want it untouched", tt.fault, tt.path, got.Code, got.Body, f.Hits())
		}
	}
}

// FuzzFaults spoils any body: whatever a handler says, a fault says something.
func FuzzFaults(f *testing.F) {
	for _, seed := range []string{
		`[1,"a",null,{}]`, `{"items":[1]}`, `{"items":null}`, `null`, ``, `{"request_status":"COMPLETED","sent_at":1}`,
		`[{"request_status":5}]`, `[]x`, ` [ {"status":"ACTIVE"} ] `, `"a"`, `{"a": "b"}`, `[[]]`,
	} {
		f.Add([]byte(seed), uint64(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
		for _, kind := range kindNames() {
			if slices.Contains([]string{"huge", "gzip-bomb", "slow", "hang", "drop", "truncate"}, kind) {
				continue // these do not look into it
			}
			w := to(mustFaults(t, seed, kind).Wrap(next), "GET", "/", "")
			stays := !slices.Contains([]string{"html", "garbage"}, kind)
			if w.Code == 200 && stays && json.Valid(body) && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s makes %q of %q", kind, w.Body, body)
			}
		}
	})
}

// A body that was made up has no validator, one that was cut keeps its own:
// that is what a client would really meet.
func TestFaultsAndValidators(t *testing.T) {
	t.Parallel()
	for fault, kept := range map[string]bool{"empty": false, "shuffle": false, "null": false, "truncate=plain": true} {
		s, clk := withUnknown(t, Unknown{Validators: ValidatorsBoth})
		mustCreate(t, s, busyCampaign, NewBatch{ID: "b", Calls: 20})
		clk.advance(time.Minute)
		h := to(s.Faulty(mustFaults(t, 1, fault)), "GET", resultsOfB, "").Header()
		if (h.Get("ETag") != "") != kept || (h.Get("Last-Modified") != "") != kept {
			t.Errorf("%s: headers %v, want validators %v", fault, h, kept)
		}
	}
}
