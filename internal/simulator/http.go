package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxBody bounds request bodies, in bytes: enough to remove 100,000 requests.
const maxBody = 4 << 20

// endpoint answers a request with a value to encode, or with JSON as it is if
// the value is a json.RawMessage.
type endpoint func(r *http.Request) (any, error)

// httpError is an answer other than 200.
type httpError struct {
	status int
	detail any
}

func (e *httpError) Error() string { return fmt.Sprintf("%d: %v", e.status, e.detail) }

// validationDetail is one element of a 422.
type validationDetail struct {
	Loc  []string `json:"loc"`
	Msg  string   `json:"msg"`
	Type string   `json:"type"`
}

// invalid says which part ("body", "query", "path") of a request is wrong.
func invalid(part, field, kind, msg string) error {
	loc := []string{part}
	if field != "" {
		loc = append(loc, field)
	}
	return &httpError{http.StatusUnprocessableEntity, []validationDetail{{loc, msg, kind}}}
}

// invalidBody turns a fieldError into a 422 and leaves other errors alone.
func invalidBody(err error) error {
	if f, ok := errors.AsType[*fieldError](err); ok {
		return invalid("body", f.field, f.kind, f.msg)
	}
	return err
}

func (s *Simulator) routes() http.Handler {
	const api = "/api/v1/outbound"
	table := []struct {
		method, path string
		serve        endpoint
	}{
		{"GET", api + "/batches", s.listBatches},
		{"POST", api + "/batches", s.postBatch},
		{"GET", api + "/batches/{id}", s.getBatch},
		{"PUT", api + "/batches/{id}", s.putBatch},
		{"GET", api + "/batches/{id}/results", s.getResults},
		{"POST", api + "/batches/{id}/requests", s.postRequest},
		{"POST", api + "/batches/{id}/remove-requests", s.removeRequests},
		{"GET", api + "/campaigns", s.listCampaigns},
		{"GET", api + "/campaigns/{id}", s.getCampaign},
	}
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, t := range table {
		mux.Handle(t.method+" "+t.path, t.serve)
		allowed[t.path] = append(allowed[t.path], t.method)
	}
	// The mux's own answers to other methods and paths are not JSON.
	for path, methods := range allowed {
		slices.Sort(methods)
		allow := strings.Join(methods, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", allow)
			writeError(w, &httpError{http.StatusMethodNotAllowed, "Method Not Allowed"})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, &httpError{http.StatusNotFound, "Not Found"})
	})
	return s.authorize(mux)
}

func (s *Simulator) authorize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch key := r.Header.Get("Syllable-API-Key"); {
		case key == "":
			writeError(w, &httpError{http.StatusUnauthorized, "the header Syllable-API-Key is missing"})
		case s.apiKey != "" && key != s.apiKey:
			writeError(w, &httpError{http.StatusForbidden, "this API key is not valid"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	v, err := e(r)
	if err != nil {
		writeError(w, err)
		return
	}
	body, ok := v.(json.RawMessage)
	if !ok {
		body = encode(v)
	}
	writeJSON(w, http.StatusOK, body)
}

func writeError(w http.ResponseWriter, err error) {
	h, ok := errors.AsType[*httpError](err)
	if !ok {
		h = &httpError{http.StatusInternalServerError, err.Error()}
	}
	writeJSON(w, h.status, encode(map[string]any{"detail": h.detail}))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client went away: nobody to tell
}

// decode reads a body into v. Unknown fields are ignored, as the platform does.
func decode(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	err := dec.Decode(v)
	if err == nil && dec.More() {
		return invalid("body", "", "json_invalid", "there is more than one JSON value")
	}
	if err == nil {
		return nil
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &httpError{
			http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit),
		}
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid("body", wrong.Field, "type_error", "must not be of type "+wrong.Value)
	}
	return invalid("body", "", "json_invalid", err.Error())
}
