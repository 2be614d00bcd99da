package recording

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Read reads all exchanges of a file. An error names the line and quotes
// nothing of it. Empty lines are passed over; a file without an exchange is an
// error, for there would be nothing to play.
func Read(r io.Reader) ([]Exchange, error) {
	lines := bufio.NewReader(r)
	var all []Exchange
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			e, err := parse(text)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			all = append(all, e)
		}
		if err == nil {
			continue
		}
		if len(all) == 0 {
			return nil, errors.New("it holds no exchange: want one JSON object a line")
		}
		return all, nil
	}
}

// parse reads one line. A field that is not known is more likely misspelt than
// meant to be passed over.
func parse(line []byte) (Exchange, error) {
	var e Exchange
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, lineError(err)
	}
	if d.More() {
		return e, fmt.Errorf("something follows the object, at byte %d", d.InputOffset()+1)
	}
	return e, e.check()
}

// lineError tells what is wrong without quoting the line, which the texts of
// most of these errors do.
func lineError(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	var moment *time.ParseError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not JSON at byte %d", syntax.Offset)
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("%s is a %s", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Errorf("want an object, got a %s", wrong.Value)
	case errors.As(err, &moment):
		return errors.New("time is not in RFC 3339")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is cut off")
	}
	// What is left are unknown fields; a name is nothing private.
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
