package simulator

import (
	"errors"
	"fmt"
	"net/http"
)

// httpError is an answer other than 200.
type httpError struct {
	status int
	detail any
}

func (e *httpError) Error() string { return fmt.Sprintf("%d: %v", e.status, e.detail) }

// validationDetail is one element of a 422.
type validationDetail struct {
	Loc  []any  `json:"loc"` // names and indexes
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

// problems are all that is wrong with a request.
type problems []validationDetail

func (p *problems) add(kind, msg string, loc ...any) {
	*p = append(*p, validationDetail{loc, msg, kind})
}

// missing is what the platform says of a field that has to be there.
func (p *problems) missing(loc ...any) { p.add("missing", "Field required", loc...) }

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &httpError{http.StatusUnprocessableEntity, []validationDetail(p)}
}

// invalid says which part ("body", "query", "path") of a request is wrong.
func invalid(part, field, kind, msg string) error {
	loc := []any{part}
	if field != "" {
		loc = append(loc, field)
	}
	return problems{{loc, msg, kind}}.err()
}

// fieldError says which input is wrong and how; HTTP answers it with a 422.
type fieldError struct{ field, kind, msg string }

func (e *fieldError) Error() string { return e.field + ": " + e.msg }

// invalidBody turns a fieldError into a 422 and leaves other errors alone.
func invalidBody(err error) error {
	if f, ok := errors.AsType[*fieldError](err); ok {
		return invalid("body", f.field, f.kind, f.msg)
	}
	return err
}
