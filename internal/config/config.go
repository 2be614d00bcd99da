package config

import (
	"log/slog"
	"time"
)

// Off is the value of NATSListen or HTTPAddr that means: do not listen.
const Off = "off"

// All is the value of SlackSince that means: all that the stream still holds.
const All = "all"

// Values of Config.Baseline.
const (
	BaselineSilent = "silent" // results found at the very first start give no events
	BaselineEmit   = "emit"   // they give events with `from: null`
)

// Values of Config.LogFormat.
const (
	LogAuto = "auto" // text on a terminal, else JSON
	LogText = "text"
	LogJSON = "json"
)

// Config is a whole, valid configuration. What each setting means and what its
// default is, [Settings] tells; the comments here give the shape of the value.
type Config struct {
	// SyllableURL is an http or https URL without a slash at its end.
	SyllableURL string
	// SyllableAPIKey is empty only if [LoadKeyless] or [Default] made it so.
	SyllableAPIKey Secret
	// Batches are distinct ids of 1 to 255 bytes; empty: discover.
	Batches []string
	// Campaigns are distinct and positive; empty: all.
	Campaigns []int64
	// PollInterval and DiscoveryInterval are 100ms or more.
	PollInterval      time.Duration
	DiscoveryInterval time.Duration
	// MaxRequestsPerSecond is more than 0 and at most 1000,
	// MaxConcurrentRequests 1 to 64.
	MaxRequestsPerSecond  float64
	MaxConcurrentRequests int
	// Baseline is BaselineSilent or BaselineEmit.
	Baseline string
	// DataDir is a folder, which may not exist yet.
	DataDir string
	// Recording is the path of a file, which may not exist yet; empty: none.
	Recording string

	// NATSURL is one nats, tls, ws or wss URL or several, separated by
	// commas; empty: the embedded server.
	NATSURL NATSURL
	// NATSListen is the embedded server's host:port, or Off. Port 0 is any
	// free port. Not for use with a NATSURL.
	NATSListen string
	// NATSMaxStore bounds the embedded server's store, in bytes; 0: three
	// quarters of what is free. Not for use with a NATSURL.
	NATSMaxStore int64
	// NATSToken is for an external server and for the embedded one's listener.
	NATSToken Secret
	// NATSCreds, NATSCA, NATSCert and NATSKey are paths of files that existed
	// when they were read; all are empty with the embedded server.
	NATSCreds string
	NATSCA    string
	NATSCert  string
	NATSKey   string
	// NATSStream is a valid stream name.
	NATSStream string
	// NATSSubjectPrefix is one or more subject tokens, joined by dots.
	NATSSubjectPrefix string
	// NATSReplicas is 1, 3 or 5; 1 with the embedded server.
	NATSReplicas int
	// OutboxKeep is 0 or more; OutboxLimit 1,000 or more.
	OutboxKeep  time.Duration
	OutboxLimit uint64
	// Retention is a minute or more.
	Retention time.Duration

	// SlackToken is empty where nothing goes to Slack.
	SlackToken Secret
	// SlackChannel is a channel id or #name; set if, and only if, SlackToken is.
	SlackChannel string
	// SlackSince is a time in the past, 1970 for [All]; zero: what comes next.
	// It is set only if SlackToken is.
	SlackSince time.Time
	// SlackAPIURL is an http or https URL with a slash at its end.
	SlackAPIURL string

	// HTTPAddr is host:port, or Off. Port 0 is any free port.
	HTTPAddr string
	// HTTPToken is set wherever HTTPAddr is not loopback.
	HTTPToken Secret

	// LogLevel is debug, info, warn or error.
	LogLevel slog.Level
	// LogFormat is LogAuto, LogText or LogJSON.
	LogFormat string
}

// Load reads the configuration from the environment, for commands that talk to
// the platform. Its error is an [*Error] with every problem that there is.
func Load() (Config, error) {
	r := readEnvironment()
	r.requireKey()
	return r.result()
}

// LoadKeyless is Load for commands that never talk to the platform, such as
// those that ask the running daemon: the API key may be missing.
func LoadKeyless() (Config, error) {
	return readEnvironment().result()
}

// Default returns the configuration of an empty environment. It has no API
// key. It does not read the environment.
func Default() Config {
	return newReading().parse()
}
