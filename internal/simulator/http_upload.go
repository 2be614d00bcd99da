package simulator

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// contentType is "" for one that cannot be read.
func contentType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

func isMultipart(r *http.Request) bool { return contentType(r) == "multipart/form-data" }

// uploadBatch adds the requests of a CSV file, all or none. A file that cannot
// be read fails the batch, with an error_message and until a better one comes:
// the batch has fields for just that, and none for an error of one row.
// Nothing documents the columns; see parseCSV for what is taken.
func (s *Simulator) uploadBatch(r *http.Request) (any, error) {
	name, content, err := readUpload(r)
	if err != nil {
		return nil, err
	}
	requests, failure := parseCSV(content)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.advance()
	b, err := s.change(r)
	if err != nil {
		return nil, err
	}
	if b.expired {
		return nil, invalid("path", "batch_id", "value_error", "the batch has expired")
	}
	if failure == "" {
		failure = b.refuses(requests)
	}
	b.file, b.failure, b.updated = name, failure, now
	if failure == "" {
		for _, req := range requests {
			s.add(b, req, now)
		}
	}
	s.arm(b, now)
	return b.wire(), nil
}

// readUpload returns the name and the content of the file in a form.
func readUpload(r *http.Request) (name string, content []byte, err error) {
	if !isMultipart(r) {
		var p problems
		p.missing("body", "file")
		return "", nil, p.err()
	}
	if err := r.ParseMultipartForm(maxUpload); err != nil { // ServeHTTP bounds the body
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return "", nil, bodyError(tooLarge)
		}
		return "", nil, invalid("body", "", "form_invalid", "is no multipart form")
	}
	defer r.MultipartForm.RemoveAll() //nolint:errcheck // all of it is in memory
	file, header, err := r.FormFile("file")
	if err != nil {
		var p problems
		p.missing("body", "file")
		return "", nil, p.err()
	}
	defer file.Close()
	content, err = io.ReadAll(file)
	if err != nil {
		return "", nil, fmt.Errorf("read the uploaded file: %w", err)
	}
	return header.Filename, content, nil
}

// Columns of an uploaded file that are no request variables.
const (
	columnReference = "reference_id"
	columnTarget    = "target"
)

// What is wrong with a file, in the words of the platform's examples.
const (
	badFormat     = "Invalid file format: "
	missingFields = "Missing required fields: "
)

// parseCSV reads a file whose first line names its columns. Every column but
// the two above is a request variable. What it says of a failure names lines
// and columns, never what is there.
func parseCSV(content []byte) (all []Request, failure string) {
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // as spreadsheets write it
	if !utf8.Valid(content) {
		return nil, badFormat + "it is not UTF-8"
	}
	r := csv.NewReader(bytes.NewReader(content))
	columns, err := r.Read()
	if err != nil {
		return nil, csvFailure(err)
	}
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
		if slices.Contains(columns[:i], columns[i]) {
			return nil, badFormat + fmt.Sprintf("column %d has the name of another", i+1)
		}
	}
	reference, target := slices.Index(columns, columnReference), slices.Index(columns, columnTarget)
	if reference < 0 || target < 0 {
		return nil, missingFields + "the first line must name " + columnReference + " and " + columnTarget
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) && len(all) > 0 {
			return all, ""
		}
		if err != nil {
			return nil, csvFailure(err)
		}
		q := Request{ReferenceID: row[reference], Target: row[target], Variables: map[string]string{}}
		for i, name := range columns {
			if i != reference && i != target {
				q.Variables[name] = row[i]
			}
		}
		all = append(all, q)
	}
}

func csvFailure(err error) string {
	if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
		return badFormat + fmt.Sprintf("line %d: %v", wrong.Line, wrong.Err)
	}
	return badFormat + "it holds no request"
}

// refuses says why the requests of a file cannot be added, "" if they can.
func (b *batch) refuses(requests []Request) (failure string) {
	seen := make(map[string]bool, len(requests))
	for i, r := range requests {
		if err := validateRequest(r, seen[r.ReferenceID] || b.byRef[r.ReferenceID] != nil); err != nil {
			return missingFields + fmt.Sprintf("request %d: %s %s", i+1, err.field, err.msg)
		}
		seen[r.ReferenceID] = true
	}
	return ""
}
