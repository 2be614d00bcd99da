package syllable

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter caps what a Retry-After header can ask for.
const maxRetryAfter = 15 * time.Minute

// StatusError is an answer other than 200.
type StatusError struct {
	Op         string
	Code       int
	RetryAfter time.Duration // 0: none was asked for
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s: the platform answered %d %s", e.Op, e.Code, http.StatusText(e.Code))
	switch {
	case e.Code == http.StatusUnauthorized:
		return s + ": the API key is missing or wrong; set NOTIFIER_SYLLABLE_API_KEY to a valid key"
	case e.Code == http.StatusForbidden:
		return s + ": the API key may not read outbound batches; use one that can (NOTIFIER_SYLLABLE_API_KEY)"
	case e.Code == http.StatusNotFound, e.Code == http.StatusGone:
		return s + ": it does not exist, or not for this API key"
	case e.Code == http.StatusUnprocessableEntity:
		return s + ": the platform does not accept the request"
	case e.Code == http.StatusNotModified:
		return s + ": although it was not asked whether something was; is there a cache in between?"
	case 300 <= e.Code && e.Code < 400:
		return s + ": redirects are not followed, since they could carry the key to another host; " +
			"set NOTIFIER_SYLLABLE_URL to the final address"
	}
	return s
}

// IsNotFound says whether the platform does not know what was asked for.
func IsNotFound(err error) bool { return hasCode(err, http.StatusNotFound, http.StatusGone) }

// IsUnauthorized says whether the platform refused the key. Asking again
// soon will not help.
func IsUnauthorized(err error) bool {
	return hasCode(err, http.StatusUnauthorized, http.StatusForbidden)
}

// IsTooMany says whether the platform had too many requests of this account.
func IsTooMany(err error) bool { return hasCode(err, http.StatusTooManyRequests) }

// Class returns what kind of error it is, in a word: errors of one class have
// one cause, though their texts may differ.
func Class(err error) string {
	var s *StatusError
	switch {
	case errors.As(err, &s):
		return strconv.Itoa(s.Code)
	case errors.Is(err, ErrBody), errors.Is(err, ErrTooLarge):
		return "body"
	case errors.Is(err, errCertificate):
		return "certificate"
	}
	return "other"
}

// IsAbout says whether an error is about the platform: it did not answer, or
// not as it should. One of what was done with an answer is not, nor is a
// request that the platform, being well, did not accept.
func IsAbout(err error) bool {
	var s *StatusError
	var network net.Error
	switch {
	case errors.As(err, &s):
		return s.Code != http.StatusNotFound && s.Code != http.StatusGone && s.Code != http.StatusUnprocessableEntity
	case errors.Is(err, ErrBody), errors.Is(err, ErrTooLarge),
		errors.Is(err, errNoAnswer), errors.Is(err, errBroke):
		return true
	}
	return errors.As(err, &network)
}

// Cause says in a few words why a request failed, without naming what was
// asked for.
func Cause(err error) string {
	var s *StatusError
	switch {
	case errors.As(err, &s):
		return strings.TrimSpace(fmt.Sprintf("the platform answered %d %s", s.Code, http.StatusText(s.Code)))
	case errors.Is(err, ErrTooLarge):
		return "an answer was larger than allowed"
	case errors.Is(err, ErrBody):
		return "an answer was not valid"
	case errors.Is(err, errCertificate):
		return "the platform's certificate cannot be trusted"
	case isTimeout(err):
		return "the platform did not answer in time"
	case errors.Is(err, errBroke):
		return "an answer broke off"
	}
	return "the platform could not be reached"
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// RetryAfterOf returns the wait the platform asked for, 0 for none.
func RetryAfterOf(err error) time.Duration {
	var s *StatusError
	if errors.As(err, &s) {
		return s.RetryAfter
	}
	return 0
}

func hasCode(err error, codes ...int) bool {
	var s *StatusError
	if !errors.As(err, &s) {
		return false
	}
	for _, c := range codes {
		if s.Code == c {
			return true
		}
	}
	return false
}

// retryAfter reads both forms of the header, seconds and HTTP date; junk and
// times past are none, and huge ones are capped.
func retryAfter(v string, now time.Time) time.Duration {
	if v == "" {
		return 0
	}
	var d time.Duration
	if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
		if n > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}
