package simulator

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

var textForm = regexp.MustCompile(`:\s*"`)

// badUTF8 puts a byte that UTF-8 never has at the beginning of a text.
func badUTF8(h *hit) bool {
	body := h.truth.body.Bytes()
	places := textForm.FindAllIndex(body, -1)
	if !h.fine() || places == nil {
		return false
	}
	at := places[h.random.IntN(len(places))][1]
	return h.replace(jsonType, slices.Concat(body[:at], []byte{0xff}, body[at:]))
}

// duplicateKey repeats the status at the end of an object: most parsers take
// the last of two values, some the first.
func duplicateKey(h *hit) bool {
	l, ok := readList(h.truth.body.Bytes())
	if !ok || !h.fine() || len(l.items) == 0 {
		return false
	}
	i := h.random.IntN(len(l.items))
	key, value := statusField(readObject(l.items[i])), "CANCELED"
	if key == "" {
		key, value = "campaign_name", "Another"
	}
	if h.argument == "case" {
		key = string(key[0]-'a'+'A') + key[1:]
	}
	item := bytes.TrimRight(l.items[i], " \t\r\n")
	if len(item) < 3 || item[len(item)-1] != '}' {
		return false
	}
	again := fmt.Sprintf(`,%q:%q}`, key, value)
	l.items[i] = slices.Concat(item[:len(item)-1], []byte(again))
	return h.give(l)
}

// truncate keeps the validators of the whole body: it is cut on its way.
func truncate(h *hit) bool {
	if !h.fine() {
		return false
	}
	body := h.truth.body.Bytes()
	announced := h.argument == "length" || h.argument == "" && h.random.IntN(2) == 0
	cut := body[:h.random.IntN(len(body))]
	maps.Copy(h.w.Header(), h.truth.Header())
	h.w.Header().Del("Content-Length")
	if announced {
		h.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	h.w.WriteHeader(http.StatusOK)
	h.w.Write(cut)
	h.flush()
	if announced {
		abort()
	}
	return true
}

// mebibyte of what may stand before any JSON.
func mebibyte() []byte { return bytes.Repeat([]byte(" "), 1<<20) }

// huge only makes the body long: whoever takes all of it in sees the truth.
func huge(h *hit) bool {
	if !h.fine() {
		return false
	}
	part := mebibyte()
	h.w.Header().Set("Content-Type", jsonType)
	for range mebibytes(h.argument, 256) {
		if _, err := h.w.Write(part); err != nil {
			return true // the client has had enough
		}
	}
	h.w.Write(h.truth.body.Bytes())
	return true
}

// gzipBomb repeats one compressed member, which is what the format allows, so
// that it costs the client far more than the server. It does not ask whether
// the client takes gzip.
func gzipBomb(h *hit) bool {
	if !h.fine() {
		return false
	}
	part := gzipped(mebibyte())
	h.w.Header().Set("Content-Type", jsonType)
	h.w.Header().Set("Content-Encoding", "gzip")
	for range mebibytes(h.argument, 1024) {
		if _, err := h.w.Write(part); err != nil {
			return true
		}
	}
	h.w.Write(gzipped(h.truth.body.Bytes()))
	return true
}

func gzipped(content []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(content)
	if err := errors.Join(err, z.Close()); err != nil {
		panic(fmt.Sprintf("simulator: gzip into memory: %v", err))
	}
	return b.Bytes()
}

// slow sends a byte a second for a while. Its length is announced, so that the
// client knows that there is more to come.
func slow(h *hit) bool {
	if !h.fine() {
		return false
	}
	lasting := 20 * time.Second
	if h.argument != "" {
		lasting, _ = time.ParseDuration(h.argument) // it was checked
	}
	// A server may bound how long an answer takes; this one means to be long.
	_ = http.NewResponseController(h.w).SetWriteDeadline(time.Time{})
	maps.Copy(h.w.Header(), h.truth.Header())
	h.w.WriteHeader(http.StatusOK)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	end := time.After(lasting)
	for _, b := range h.truth.body.Bytes() {
		if _, err := h.w.Write([]byte{b}); err != nil {
			return true
		}
		h.flush()
		select {
		case <-tick.C:
		case <-end:
			abort()
		case <-h.r.Context().Done():
			return true
		}
	}
	return true
}

func hang(h *hit) bool {
	<-h.r.Context().Done()
	abort()
	return true
}

func only(values ...string) func(string) error {
	return func(argument string) error {
		if !slices.Contains(values, argument) {
			return errors.New("it is something else")
		}
		return nil
	}
}

func anything(string) error { return nil }

func checkDuration(argument string) error {
	_, err := time.ParseDuration(argument)
	return err
}

func checkPositive(argument string) error {
	d, err := time.ParseDuration(argument)
	if err == nil && d <= 0 {
		return errors.New("it is not positive")
	}
	return err
}

// maxMiB keeps a slip of the keyboard from running for a day.
const maxMiB = 64 << 10

func checkMiB(argument string) error {
	if n, err := strconv.Atoi(argument); err != nil || n < 1 || n > maxMiB {
		return fmt.Errorf("it is no number from 1 to %d", maxMiB)
	}
	return nil
}

func mebibytes(argument string, otherwise int) int {
	if n, err := strconv.Atoi(argument); err == nil {
		return n
	}
	return otherwise
}
