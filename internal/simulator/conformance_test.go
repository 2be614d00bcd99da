package simulator

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// vendorDocument is a copy of the vendor's description of the API, which is
// not ours to hand out: it lies in a folder beside the checkout, if anywhere.
var vendorDocument = filepath.Join("..", "..", "..", "shared", "api", "outbound-openapi.json")

// TestVendorDocument validates whole lives against the vendor's document: all
// answers, and all requests that were answered with a 200.
func TestVendorDocument(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(vendorDocument); err != nil {
		t.Skipf("the vendor's document is not there, so there is nothing to compare with: %v", err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(vendorDocument)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("every route", func(t *testing.T) {
		t.Parallel()
		var want, got []string
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				want = append(want, method+" "+generic(path))
			}
		}
		s, _ := newTest(t)
		for _, r := range s.table() {
			got = append(got, r.method+" "+generic(r.path))
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("routes\n%s\nwant those of the document\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
	t.Run("notices", func(t *testing.T) { t.Parallel(); checkNotices(t, doc) })
	for name, unknown := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			walk(t, unknown, func(e exchange) {
				if e.status == 405 { // which has no route
					return
				}
				seen[fmt.Sprint(e.name, e.status)] = true
				if err := checkVendor(t, doc, e); err != nil {
					t.Fatalf("%v: %v", e, err)
				}
			})
			for name := range answerOf {
				if !seen[name+"200"] {
					t.Errorf("%s was not asked for", name)
				}
			}
		})
	}
}

// generic leaves out how the parameter of a path is called.
func generic(path string) string {
	return strings.NewReplacer("{batch_id}", "{id}", "{campaign_id}", "{id}").Replace(path)
}

func checkVendor(t *testing.T, doc *openapi3.T, e exchange) error {
	t.Helper()
	method, path, _ := strings.Cut(e.route, " ")
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		return fmt.Errorf("the document has no %s", e.route)
	}
	req := e.req.Clone(t.Context())
	req.Body, req.ContentLength = readCloser(e.sent), int64(len(e.sent))
	in := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: e.params,
		Route: &routers.Route{
			Spec: doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method),
		},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if e.status == 200 {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	return openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: e.status, Header: e.header, Body: readCloser(e.body),
		Options: &openapi3filter.Options{MultiError: true},
	})
}

// checkNotices makes sure that the comparison can fail.
func checkNotices(t *testing.T, doc *openapi3.T) {
	t.Helper()
	good := exchange{name: getResults, route: "GET " + api + "/batches/{batch_id}/results", status: 200}
	good.params = map[string]string{"batch_id": "b"}
	good.req = httptest.NewRequest("GET", api+"/batches/b/results", nil)
	good.header = http.Header{"Content-Type": {"application/json"}}
	good.body = []byte(`[{"reference_id": "a", "target": "+12065550142", "request_variables": {}}]`)
	if err := checkVendor(t, doc, good); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`null`, `{}`, `[{"target": "+12065550142", "request_variables": {}}]`,
		`[{"reference_id": "a", "target": "+12065550142", "request_variables": {"a": 1}}]`,
		`[{"reference_id": "a", "target": "+12065550142", "request_variables": {}, "request_status": "NEW"}]`,
		`[{"reference_id": "a", "target": "+12065550142", "request_variables": {}, "insights": {"a": null}}]`,
	} {
		bad := good
		bad.body = []byte(body)
		if checkVendor(t, doc, bad) == nil {
			t.Errorf("%s passes", body)
		}
	}
}

func readCloser(b []byte) *closable { return &closable{bytes.NewReader(b)} }

// closable is a body that is in memory.
type closable struct{ *bytes.Reader }

func (*closable) Close() error { return nil }
