package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEveryAnswerIsStrict holds every answer of whole lives to the rules of
// the strict official client.
func TestEveryAnswerIsStrict(t *testing.T) {
	t.Parallel()
	for name, unknown := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			walk(t, unknown, func(e exchange) {
				if err := strictAnswer(e.body); err != nil {
					t.Fatalf("%v: %v in %s", e, err, e.body)
				}
				if e.status == 200 {
					seen[e.name] = true
				}
				if bytes.Contains(e.body, []byte(`"counts":{"`)) {
					seen["counts"] = true
				}
			})
			for _, name := range append(slices.Collect(maps.Keys(answerOf)), "counts") {
				if !seen[name] {
					t.Errorf("no answer of %s", name)
				}
			}
		})
	}
}

func TestStrictRefuses(t *testing.T) {
	t.Parallel()
	for body, good := range map[string]bool{
		`{"a": null, "new": {"x": []}}`:                       true,
		`[{"request_status": "SKIPPED"}]`:                     true,
		`[{"request_status": "REROUTED"}]`:                    false,
		`[{"request_status": null}]`:                          false,
		`{"items": [{"status": "EXPIRED"}]}`:                  true,
		`{"items": [{"status": "ENDED"}]}`:                    false,
		`{"created_at": "2026-08-22T10:00:00Z"}`:              true,
		`{"created_at": "2026-08-22T10:00:00+02:00"}`:         true,
		`{"items": [{"deleted_at": "2026-08-22T10:00:00"}]}`:  false,
		`{"expires_on": "2026-08-22"}`:                        false,
		`[{"insights": null}]`:                                true,
		`[{"insights": {"a": "b", "c": 1.5}}]`:                true,
		`[{"insights": {"a": null}}]`:                         false,
		`[{"insights": {"a": true}}]`:                         false,
		`[{"insights": {"a": {}}}]`:                           false,
		`[{"request_variables": {"a": "b"}}]`:                 true,
		`[{"request_variables": {"a": 1}}]`:                   false,
		`[{"campaign_variables": {"a": null}}]`:               false,
		`[{"reference_id": "a", "request_variables": {}}, {]`: false,

		`{"status_counts": null, "detailed_status_counts": null}`:                       true,
		`{"status_counts": {"FAILED": 1}}`:                                              true,
		`{"status_counts": {"FAILED": 1.5}}`:                                            false,
		`{"status_counts": {"FAILED": null}}`:                                           false,
		`{"detailed_status_counts": {"FAILED": {"total_count": 1}}}`:                    true,
		`{"detailed_status_counts": {"FAILED": {"total_count": 1, "counts": null}}}`:    true,
		`{"detailed_status_counts": {"x": {"total_count": 1, "counts": {"BUSY": 1}}}}`:  true,
		`{"detailed_status_counts": {"FAILED": {"counts": {"BUSY": 1}}}}`:               false,
		`{"detailed_status_counts": {"FAILED": {"total_count": "1"}}}`:                  false,
		`{"detailed_status_counts": {"FAILED": {"total_count": 1, "counts": [1]}}}`:     false,
		`{"detailed_status_counts": {"x": {"total_count": 1, "counts": {"BUSY": ""}}}}`: false,
	} {
		if err := strictAnswer([]byte(body)); (err == nil) != good {
			t.Errorf("%s: %v, want accepted %v", body, err, good)
		}
	}
}

func strictAnswer(body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	return strictValue("", v)
}

// strictValue knows what a value is by its key.
func strictValue(key string, v any) error {
	switch {
	case key == "request_status":
		return strictEnum(key, v, knownStatus)
	case key == "status":
		return strictEnum(key, v, []string{"PENDING", "ACTIVE", "PAUSED", "FAILED", "CANCELED", "EXPIRED"})
	case key == "status_counts" || key == "counts":
		return strictCounts(key, v)
	case key == "detailed_status_counts":
		return strictBreakdowns(v)
	case (strings.HasSuffix(key, "_at") || strings.HasSuffix(key, "_on")) && v != nil:
		text, _ := v.(string)
		_, err := time.Parse(time.RFC3339, text)
		return err
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := strictValue("", item); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, value := range v {
			_, isText := value.(string)
			_, isNumber := value.(float64)
			variables := key == "request_variables" || key == "campaign_variables"
			if variables && !isText || key == "insights" && !isText && !isNumber {
				return fmt.Errorf("%s[%q] is %v", key, name, value)
			}
			if variables || key == "insights" {
				continue
			}
			if err := strictValue(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func strictEnum(key string, v any, known []string) error {
	if text, ok := v.(string); !ok || !slices.Contains(known, text) {
		return fmt.Errorf("%s is %v", key, v)
	}
	return nil
}

// strictCounts takes null or an object of whole numbers.
func strictCounts(key string, v any) error {
	counts, ok := v.(map[string]any)
	if v != nil && !ok {
		return fmt.Errorf("%s is %v", key, v)
	}
	for name, n := range counts {
		if f, ok := n.(float64); !ok || f != math.Trunc(f) {
			return fmt.Errorf("%s[%q] is %v", key, name, n)
		}
	}
	return nil
}

func strictBreakdowns(v any) error {
	all, ok := v.(map[string]any)
	if v != nil && !ok {
		return fmt.Errorf("detailed_status_counts is %v", v)
	}
	for name, b := range all {
		fields, _ := b.(map[string]any)
		total := map[string]any{"total_count": fields["total_count"]}
		if err := errors.Join(strictCounts(name, total), strictCounts("counts", fields["counts"])); err != nil {
			return err
		}
	}
	return nil
}

// Answers to conditional requests: a list that is strict, or none at all.
func TestConditionalAnswersAreStrict(t *testing.T) {
	t.Parallel()
	for _, validators := range []string{ValidatorsETag, ValidatorsLastModified, ValidatorsBoth} {
		t.Run(validators, func(t *testing.T) {
			t.Parallel()
			clk := &clock{now: epoch}
			s := New(Options{Seed: 7, Now: clk.Now, Unknown: Unknown{Validators: validators}})
			s.AddCampaign(busyCampaign)
			if err := s.CreateBatch(NewBatch{ID: "b", CampaignID: 1, Calls: 20}); err != nil {
				t.Fatal(err)
			}
			seen := map[int]int{}
			var known http.Header
			for range 60 {
				for range 2 { // the second time, nothing has changed
					req := httptest.NewRequest(http.MethodGet, api+"/batches/b/results", nil)
					req.Header.Set("Syllable-API-Key", "key")
					for from, to := range map[string]string{"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"} {
						if v := known.Get(from); v != "" {
							req.Header.Set(to, v)
						}
					}
					answer := httptest.NewRecorder()
					s.Handler().ServeHTTP(answer, req)
					seen[answer.Code]++
					switch answer.Code {
					case http.StatusNotModified:
						if answer.Body.Len() > 0 || answer.Header().Get("Content-Type") != "" {
							t.Errorf("a 304 with a body: %v %s", answer.Header(), answer.Body)
						}
					case http.StatusOK:
						known = answer.Header()
						if err := strictAnswer(answer.Body.Bytes()); err != nil {
							t.Fatalf("%v in %s", err, answer.Body)
						}
					default:
						t.Fatalf("answer %d", answer.Code)
					}
				}
				clk.advance(30 * time.Second)
			}
			if seen[200] < 10 || seen[304] < 60 {
				t.Errorf("%d lists and %d times none", seen[200], seen[304])
			}
		})
	}
}
