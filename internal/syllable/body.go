package syllable

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrBody says that a body is not the JSON it should be. Nothing of it is
// used, whatever came before the fault.
var ErrBody = errors.New("the body is not valid")

// newDecoder returns a decoder of a body that must begin with the kind given,
// which what describes.
func newDecoder(body io.Reader, kind jsontext.Kind, what string) (*jsontext.Decoder, error) {
	r := bufio.NewReader(body)
	// What a person would look for first: a page where JSON should be.
	if start, _ := r.Peek(64); bytes.HasPrefix(bytes.TrimSpace(start), []byte("<")) {
		return nil, fmt.Errorf("%w: want %s, got HTML: a proxy or login page in between? check NOTIFIER_SYLLABLE_URL",
			ErrBody, what)
	}
	d := jsontext.NewDecoder(r)
	if k := d.PeekKind(); k != kind {
		if _, err := d.ReadToken(); err != nil {
			return nil, bodyError(err)
		}
		return nil, fmt.Errorf("%w: want %s, got %s", ErrBody, what, kindName(k))
	}
	return d, nil
}

// end makes sure that nothing but white space follows.
func end(d *jsontext.Decoder) error {
	_, err := d.ReadToken()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return fmt.Errorf("%w: something follows its end", ErrBody)
	}
	return bodyError(err)
}

// bodyError classes a decoder's error. The decoder's own text may quote the
// body (a duplicate name, say), so only the kind of fault and its place are
// told.
func bodyError(err error) error {
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.Is(err, ErrTooLarge):
		return ErrTooLarge
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: it was cut off: %w", ErrBody, io.ErrUnexpectedEOF)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fmt.Errorf("%w: an object has the same key twice", ErrBody)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: not JSON at byte %d", ErrBody, syntax.ByteOffset)
	case errors.As(err, &semantic):
		return fmt.Errorf("%w: a field has the wrong type (%s where %v is wanted)",
			ErrBody, kindName(semantic.JSONKind), semantic.GoType)
	}
	return err
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "something else"
}
