package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

const (
	minInterval   = 100 * time.Millisecond
	minRetention  = time.Minute
	maxPerSecond  = 1000
	maxConcurrent = 64
	minStore      = 32 << 20 // bytes: a few of the largest messages
	maxBatchID    = 255      // bytes
	maxStream     = 255      // bytes, as the server has it
	minWaiting    = 1000
	maxWaiting    = 1_000_000_000
	maxChannel    = 80 // characters, as Slack has it
)

// parse makes the Config. A setting with a problem is left zero.
func (r *reading) parse() Config {
	e := &r.env
	return Config{
		SyllableURL:           take(&e.Syllable.URL, syllableURL),
		SyllableAPIKey:        take(&e.Syllable.APIKey, secret),
		Batches:               take(&e.Batches, list(batchID)),
		Campaigns:             take(&e.Campaigns, list(campaignID)),
		PollInterval:          take(&e.Poll.Interval, atLeast(minInterval, "15s")),
		DiscoveryInterval:     take(&e.Discovery.Interval, atLeast(minInterval, "1m")),
		MaxRequestsPerSecond:  take(&e.Max.RequestsPerSecond, perSecond),
		MaxConcurrentRequests: take(&e.Max.ConcurrentRequests, concurrent),
		Baseline:              take(&e.Baseline, oneOf(BaselineSilent, BaselineEmit)),
		DataDir:               take(&e.Data.Dir, path),
		Recording:             take(&e.Recording, path),
		NATSURL:               take(&e.NATS.URL, natsURL),
		NATSListen:            take(&e.NATS.Listen, listenAddr),
		NATSToken:             take(&e.NATS.Token, secret),
		NATSMaxStore:          take(&e.NATS.MaxStore, storeSize),
		NATSCreds:             take(&e.NATS.Creds, existingFile),
		NATSCA:                take(&e.NATS.CA, existingFile),
		NATSCert:              take(&e.NATS.Cert, existingFile),
		NATSKey:               take(&e.NATS.Key, existingFile),
		NATSStream:            take(&e.NATS.Stream, streamName),
		NATSSubjectPrefix:     take(&e.NATS.SubjectPrefix, subjectPrefix),
		NATSReplicas:          take(&e.NATS.Replicas, replicas),
		OutboxKeep:            take(&e.Outbox.Keep, atLeast(0, "24h")),
		OutboxLimit:           take(&e.Outbox.Limit, waiting),
		Retention:             take(&e.Retention, atLeast(minRetention, "168h")),
		SlackToken:            take(&e.Slack.Token, secret),
		SlackChannel:          take(&e.Slack.Channel, slackChannel),
		SlackSince:            take(&e.Slack.Since, since),
		SlackAPIURL:           take(&e.Slack.API.URL, slackURL),
		HTTPAddr:              take(&e.HTTP.Addr, listenAddr),
		HTTPToken:             take(&e.HTTP.Token, secret),
		LogLevel:              take(&e.Log.Level, logLevel),
		LogFormat:             take(&e.Log.Format, oneOf(LogAuto, LogText, LogJSON)),
	}
}

// take parses the value of one setting. The errors of parse say what is wanted
// and do not quote the value. A value is empty only where there is no default.
func take[T any](v *variable, parse func(string) (T, error)) T {
	var zero T
	if v.value == "" || v.invalid {
		return zero
	}
	value, err := parse(v.value.Reveal())
	if err != nil {
		v.reject("%v", err)
		return zero
	}
	v.shown = v.value.Reveal()
	if hiding, ok := any(value).(revealer); ok {
		v.shown = hiding.String()
	}
	return value
}

// revealer is a value whose String hides something.
type revealer interface {
	Reveal() string
	String() string
}

// secret takes what can stand in a header or in a protocol line. A byte order
// mark or a non-breaking space, which copying brings along, is not printable.
func secret(s string) (Secret, error) {
	if !isPrintable(s) {
		return "", errors.New("it holds a line break or another character that cannot be sent; was it copied whole?")
	}
	return Secret(s), nil
}

func isPrintable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// list parses comma-separated entries. Of an entry that comes twice, the first
// is kept: a batch must not be polled twice.
func list[T comparable](entry func(string) (T, error)) func(string) ([]T, error) {
	return func(s string) ([]T, error) {
		var entries []T
		var errs []string
		for i, part := range strings.Split(s, ",") {
			value, err := entry(strings.TrimSpace(part))
			if err != nil {
				errs = append(errs, fmt.Sprintf("entry %d: %v", i+1, err))
			} else if !slices.Contains(entries, value) {
				entries = append(entries, value)
			}
		}
		if len(errs) > 0 {
			return nil, errors.New(strings.Join(errs, "; "))
		}
		return entries, nil
	}
}

func batchID(s string) (string, error) {
	if s == "" || len(s) > maxBatchID || !isPrintable(s) {
		return "", fmt.Errorf("want a batch id of 1 to %d printable bytes", maxBatchID)
	}
	return s, nil
}

func campaignID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id < 1 {
		return 0, errors.New("want a campaign id, a number from 1")
	}
	return id, nil
}

func atLeast(lowest time.Duration, example string) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < lowest {
			return 0, fmt.Errorf("want a duration with its unit, such as %s; %s at least", example, lowest)
		}
		return d, nil
	}
}

func perSecond(s string) (float64, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || !(n > 0 && n <= maxPerSecond) { // also when NaN
		return 0, fmt.Errorf("want a number above 0, %d at most", maxPerSecond)
	}
	return n, nil
}

func concurrent(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxConcurrent {
		return 0, fmt.Errorf("want 1 to %d", maxConcurrent)
	}
	return n, nil
}

func waiting(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n < minWaiting || n > maxWaiting {
		return 0, fmt.Errorf("want a number of events from %d to %d", minWaiting, maxWaiting)
	}
	return n, nil
}

// oneOf takes one of the words given, in any case.
func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		word := strings.ToLower(s)
		if !slices.Contains(words, word) {
			last := len(words) - 1
			return "", fmt.Errorf("want %s or %s", strings.Join(words[:last], ", "), words[last])
		}
		return word, nil
	}
}

func logLevel(s string) (slog.Level, error) {
	var level slog.Level
	// slog takes info+2 as well, which the settings do not promise.
	word, err := oneOf("debug", "info", "warn", "error")(s)
	if err != nil {
		return level, err
	}
	err = level.UnmarshalText([]byte(word))
	return level, err
}

// since takes a time that is not in the future, which would be a mistake with
// the time zone, or the word all.
func since(s string) (time.Time, error) {
	if strings.EqualFold(s, All) {
		return time.Unix(0, 0).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.After(time.Now()) || t.Before(time.Unix(0, 0)) {
		return time.Time{}, errors.New("want all, or a time in the past with its zone, such as 2026-08-22T10:00:00Z")
	}
	return t.UTC(), nil
}

func streamName(s string) (string, error) {
	if len(s) > maxStream || !isPrintable(s) || strings.ContainsAny(s, `. *>/\`) {
		return "", fmt.Errorf(`want a stream name of 1 to %d bytes without space and . * > / \`, maxStream)
	}
	return s, nil
}

var tokens = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

func subjectPrefix(s string) (string, error) {
	first, _, _ := strings.Cut(s, ".")
	// The client library receives its answers below _INBOX. What NATS keeps
	// for itself begins with a dollar sign, which is no letter of a token.
	if !tokens.MatchString(s) || first == "_INBOX" {
		return "", errors.New("want one or more tokens of A-Z a-z 0-9 _ and -, joined by dots, the first not _INBOX")
	}
	return s, nil
}

// storeSize takes a number of bytes with a unit, or without one.
func storeSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n < minStore || n > math.MaxInt64 {
		return 0, fmt.Errorf("want a size such as 10GB or 512MiB, %s at least", humanize.IBytes(minStore))
	}
	return int64(n), nil
}

func replicas(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n != 1 && n != 3 && n != 5 {
		return 0, errors.New("want 1, 3 or 5")
	}
	return n, nil
}

// channelID is as loose as it can be while no channel name fits it: names have
// no capital letters.
var channelID = regexp.MustCompile(`^[A-Z][A-Z0-9]+$`)

func slackChannel(s string) (string, error) {
	name, isName := strings.CutPrefix(s, "#")
	if isName && validChannelName(name) || channelID.MatchString(s) {
		return s, nil
	}
	return "", errors.New("want a channel id, such as C0123456789, or a # and the channel's name")
}

func validChannelName(name string) bool {
	return name != "" && utf8.RuneCountInString(name) <= maxChannel && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return r != '-' && r != '_' && !unicode.IsDigit(r) && (!unicode.IsLetter(r) || unicode.IsUpper(r))
		})
}
