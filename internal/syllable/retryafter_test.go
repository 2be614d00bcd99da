package syllable

import (
	"net/http"
	"testing"
	"time"
)

func TestFault17RetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 8, 22, 10, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":     0,
		"0":    0,
		"12":   12 * time.Second,
		"\t3":  3 * time.Second,
		"-5":   0,
		"junk": 0,
		"1.5":  0,
		"0x10": 0,
		"1e3":  0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(90 * time.Second).Format(time.RFC850):     90 * time.Second,
		now.Add(90 * time.Second).Format(time.ANSIC):      90 * time.Second,
		now.Add(90 * time.Second).Format(time.RFC3339):    0,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
		now.Add(999 * time.Hour).Format(http.TimeFormat):  maxRetryAfter,
		"Fri, 31 Dec 9999 23:59:59 GMT":                   maxRetryAfter,
		"Mon, 01 Jan 0001 00:00:00 GMT":                   0,
		"99999999":                                        maxRetryAfter,
		"9223372036854775807":                             maxRetryAfter,
		"99999999999999999999999999":                      0,
		"-9223372036854775808":                            0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", header, got, want)
		}
	}
}
