package slackfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// apiError is an answer with ok:false.
type apiError struct {
	code     string
	messages []string // what exactly is wrong, for response_metadata
}

func (e *apiError) Error() string { return fmt.Sprintf("%s %v", e.code, e.messages) }

// refuse answers an error the way Slack does: with status 200.
func refuse(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{code: "internal_error"}
	}
	body := map[string]any{"ok": false, "error": e.code}
	if len(e.messages) > 0 {
		body["response_metadata"] = map[string]any{"messages": e.messages}
	}
	answer(w, body)
}

func answer(w http.ResponseWriter, body map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(body) // the client went away: nobody to tell
}

func rateLimited(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		seconds := max(1, int64(math.Ceil(wait.Seconds())))
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = w.Write([]byte(`{"ok":false,"error":"ratelimited"}`))
}

// answer writes the fault's answer and reports whether it has one.
func (f Fault) answer(w http.ResponseWriter) bool {
	switch {
	case f.Error != "":
		refuse(w, &apiError{code: f.Error})
	case f.Status == http.StatusTooManyRequests:
		rateLimited(w, f.RetryAfter)
	case f.Status != 0:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(f.Status)
		fmt.Fprintf(w, "<html><body>%s</body></html>\n", http.StatusText(f.Status))
	case f.Body != "":
		_, _ = w.Write([]byte(f.Body))
	default:
		return false
	}
	return true
}
