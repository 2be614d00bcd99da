package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of request bodies, in bytes: enough to remove or to upload 100,000
// requests.
const (
	maxBody   = 4 << 20
	maxUpload = 32 << 20
)

const apiPath = "/api/v1/outbound"

// endpoint answers a request with a value to encode, with JSON as it is if the
// value is a json.RawMessage, or on the client's conditions if it is a resource.
type endpoint func(r *http.Request) (any, error)

// resource is JSON that a client may ask for on condition that it changed.
type resource struct {
	body     json.RawMessage
	etag     string    // empty: none
	modified time.Time // zero: unknown
	now      time.Time
}

// route is one endpoint of the API.
type route struct {
	method, path string
	serve        endpoint
}

func (s *Simulator) table() []route {
	const (
		batch    = apiPath + "/batches/{id}"
		campaign = apiPath + "/campaigns/{id}"
	)
	return []route{
		{"GET", apiPath + "/batches", s.listBatches},
		{"POST", apiPath + "/batches", s.postBatch},
		{"GET", batch, s.getBatch},
		{"PUT", batch, s.putBatch},
		{"DELETE", batch, s.deleteBatch},
		{"POST", batch + "/upload_batch", s.uploadBatch},
		{"GET", batch + "/results", s.getResults},
		{"POST", batch + "/requests", s.postRequest},
		{"POST", batch + "/remove-requests", s.removeRequests},
		{"GET", apiPath + "/campaigns", s.listCampaigns},
		{"POST", apiPath + "/campaigns", s.postCampaign},
		{"GET", campaign, s.getCampaign},
		{"PUT", campaign, s.putCampaign},
		{"DELETE", campaign, s.deleteCampaign},
	}
}

func (s *Simulator) routes() http.Handler {
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, t := range s.table() {
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
	limit := int64(maxBody)
	if isMultipart(r) {
		limit = maxUpload
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	v, err := e(r)
	if err != nil {
		writeError(w, err)
		return
	}
	switch v := v.(type) {
	case json.RawMessage:
		writeJSON(w, http.StatusOK, v)
	case resource:
		v.write(w, r)
	default:
		writeJSON(w, http.StatusOK, encode(v))
	}
}

func (v resource) write(w http.ResponseWriter, r *http.Request) {
	if v.etag == "" && v.modified.IsZero() {
		writeJSON(w, http.StatusOK, v.body)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if v.etag != "" {
		w.Header().Set("ETag", v.etag)
	}
	// The server's own date may be earlier than modified, where time runs fast;
	// nothing was changed in the future.
	w.Header().Set("Date", v.now.Format(http.TimeFormat))
	http.ServeContent(w, r, "", v.modified, bytes.NewReader(v.body))
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
	if errors.Is(err, io.EOF) {
		return invalid("body", "", "missing", "Field required")
	}
	return bodyError(err)
}

// bodyError turns an error of reading or decoding a body into an answer.
func bodyError(err error) error {
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
