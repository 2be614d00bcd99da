package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// What is printed instead of a value.
const (
	redacted = "[redacted]" // a secret
	withheld = "[invalid]"  // a value that failed its check, and may be anything
)

// Secret is a string that prints as a placeholder, under every verb of fmt, in
// JSON and in slog. An empty one prints as nothing, so that unset shows. It is
// not for the keys of a map, which encoding/json writes as they are.
type Secret string

// Reveal returns the secret itself. A conversion to string does so too; this
// is the way that can be searched for.
func (s Secret) Reveal() string { return string(s) }

// String returns the placeholder.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString returns the placeholder.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format prints the placeholder. String alone would not do: under a verb that
// does not fit a string, such as %d, fmt passes it over and prints the value.
func (s Secret) Format(f fmt.State, verb rune) { format(f, verb, s.String(), s.GoString()) }

// LogValue returns the placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns the placeholder. It serves JSON too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// NATSURL is one URL of a NATS server or several, separated by commas, as
// nats.Connect takes them. It prints without the user, the password or the
// token that its URLs may carry.
type NATSURL string

// Reveal returns the URLs as they are, for the connection.
func (u NATSURL) Reveal() string { return string(u) }

// String returns the URLs with user and password redacted. Unless all are
// nothing but scheme, user and host, it tells nothing at all, for then it
// cannot be said which part is the password.
func (u NATSURL) String() string {
	if u == "" {
		return ""
	}
	var shown []string
	for part := range strings.SplitSeq(string(u), ",") {
		parsed, ok := parseServer(part)
		if !ok {
			return redacted
		}
		user := ""
		if parsed.User != nil {
			user = redacted + "@"
		}
		shown = append(shown, parsed.Scheme+"://"+user+parsed.Host)
	}
	return strings.Join(shown, ",")
}

// GoString returns the redacted URLs, quoted.
func (u NATSURL) GoString() string { return fmt.Sprintf("%q", u.String()) }

// Format prints the redacted URLs under every verb.
func (u NATSURL) Format(f fmt.State, verb rune) { format(f, verb, u.String(), u.GoString()) }

// LogValue returns the redacted URLs.
func (u NATSURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText returns the redacted URLs. It serves JSON too.
func (u NATSURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// hasUser says whether one of the URLs carries a user, a password or a token.
func (u NATSURL) hasUser() bool {
	for part := range strings.SplitSeq(string(u), ",") {
		if parsed, ok := parseServer(part); ok && parsed.User != nil {
			return true
		}
	}
	return false
}

// parseServer parses the URL of one NATS server, which has a scheme, maybe a
// user, a host, and nothing else.
func parseServer(s string) (*url.URL, bool) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || !validHost(u) || strings.ContainsAny(s, "?#") {
		return nil, false
	}
	switch u.Scheme {
	case "nats", "tls", "ws", "wss":
		return u, u.Path == "" || u.Path == "/"
	}
	return nil, false
}

func format(f fmt.State, verb rune, plain, quoted string) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		plain = quoted
	}
	_, _ = io.WriteString(f, plain) // fmt's own buffer takes everything
}
