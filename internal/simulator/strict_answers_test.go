package simulator

import (
	"encoding/json"
	"fmt"
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
			walk(t, unknown, func(e exchange) {
				if err := strictAnswer(e.body); err != nil {
					t.Fatalf("%v: %v in %s", e, err, e.body)
				}
			})
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
