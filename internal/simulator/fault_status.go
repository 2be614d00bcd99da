package simulator

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// statusKind answers with a status and the platform's form of an error.
func statusKind(status int, help string) faultKind {
	return faultKind{
		name: strconv.Itoa(status), help: help,
		spoil: func(h *hit) bool { return h.fail(status) },
	}
}

// retryKind is statusKind with a Retry-After.
func retryKind(status int, help, otherwise string) faultKind {
	return faultKind{
		name: strconv.Itoa(status), argument: "SECONDS|date|past|junk|huge|none", check: checkRetryAfter,
		help: help + " (default " + otherwise + ")",
		spoil: func(h *hit) bool {
			if v := retryAfter(h.argument, otherwise); v != "" {
				h.w.Header().Set("Retry-After", v)
			}
			return h.fail(status)
		},
	}
}

func (h *hit) fail(status int) bool {
	if status == http.StatusUnprocessableEntity {
		writeError(h.w, invalid("query", "", "value_error", "simulated fault"))
	} else {
		writeError(h.w, &httpError{status, "simulated fault: " + http.StatusText(status)})
	}
	return true
}

var secondsForm = regexp.MustCompile(`^-?\d+$`)

func checkRetryAfter(argument string) error {
	if secondsForm.MatchString(argument) || slices.Contains([]string{"date", "past", "junk", "huge", "none"}, argument) {
		return nil
	}
	return errors.New("it is none of these")
}

// retryAfter makes a header of an argument: each form that a server may send,
// and some that it may not.
func retryAfter(argument, otherwise string) string {
	if argument == "" {
		argument = otherwise
	}
	switch argument {
	case "none":
		return ""
	case "date":
		return time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat)
	case "past":
		return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	case "junk":
		return "in a while"
	case "huge":
		return "99999999999999999999"
	}
	return argument
}

// redirect sends the client, with its key if it is careless, to another host.
func redirect(h *hit) bool {
	target := h.argument
	if target == "" {
		target = otherName(h.r.Host)
	}
	if !strings.Contains(target, "://") {
		target = "http://" + target
	}
	h.w.Header().Set("Location", strings.TrimSuffix(target, "/")+h.r.URL.RequestURI())
	return h.fail(http.StatusTemporaryRedirect)
}

func checkRedirect(argument string) error {
	if !strings.Contains(argument, "://") {
		argument = "http://" + argument
	}
	u, err := url.Parse(argument)
	if err == nil && (u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
		return errors.New("it is more or less than a host")
	}
	return err
}

// otherName is another name of the same server: only the name tells a client
// that it is sent elsewhere.
func otherName(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, "80"
	}
	if name == "localhost" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return net.JoinHostPort("localhost", port)
}
