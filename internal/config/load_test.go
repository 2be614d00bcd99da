package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/config"
)

// defaults are those of the documentation, written down a second time.
func defaults() config.Config {
	return config.Config{
		SyllableURL:       "https://api.syllable.cloud",
		PollInterval:      15 * time.Second,
		DiscoveryInterval: time.Minute,

		MaxRequestsPerSecond:  20,
		MaxConcurrentRequests: 4,
		Baseline:              "silent",
		DataDir:               "./data",
		NATSListen:            "127.0.0.1:4222",
		NATSStream:            "SYLLABLE",
		NATSSubjectPrefix:     "syllable",
		NATSReplicas:          1,
		OutboxKeep:            24 * time.Hour,
		OutboxLimit:           1_000_000,
		Retention:             168 * time.Hour,
		SlackAPIURL:           "https://slack.com/api/",
		HTTPAddr:              "127.0.0.1:8080",
		LogLevel:              slog.LevelInfo,
		LogFormat:             "auto",
	}
}

func TestDefault(t *testing.T) {
	// What Default must not read.
	setEnv(t, map[string]string{apiKey: "key", "NOTIFIER_POLL_INTERVAL": "bad", "NOTIFIER_DATA_DIR": "/elsewhere"})
	if diff := cmp.Diff(defaults(), config.Default()); diff != "" {
		t.Errorf("Default (-want +got):\n%s", diff)
	}
}

func TestLoadDefaults(t *testing.T) {
	want := defaults()
	want.SyllableAPIKey = "key"
	if diff := cmp.Diff(want, load(t, with(nil))); diff != "" {
		t.Errorf("nothing but the key is set (-want +got):\n%s", diff)
	}

	// A compose file passes on what nobody has set.
	env := with(nil)
	for _, s := range config.Settings() {
		if s.Name != apiKey {
			env[s.Name] = []string{"", "  ", "\n"}[len(env)%3]
		}
		if s.Secret {
			env[s.Name+"_FILE"] = ""
		}
	}
	if diff := cmp.Diff(want, load(t, env)); diff != "" {
		t.Errorf("everything else is empty (-want +got):\n%s", diff)
	}
}

func TestLoadGood(t *testing.T) {
	file := writeFile(t, "pem")
	long := strings.Repeat("b", 255)
	tests := []struct {
		name, value string
		want        func(*config.Config)
		also        map[string]string // what the setting needs beside it
	}{
		{"SYLLABLE_URL", "http://127.0.0.1:9000", func(c *config.Config) { c.SyllableURL = "http://127.0.0.1:9000" }, nil},
		{"SYLLABLE_URL", "http://localhost/base/", func(c *config.Config) { c.SyllableURL = "http://localhost/base" }, nil},
		{"SYLLABLE_URL", "http://[::1]:80", func(c *config.Config) { c.SyllableURL = "http://[::1]:80" }, nil},
		{"SYLLABLE_URL", "https://box_1.lan:8443", func(c *config.Config) { c.SyllableURL = "https://box_1.lan:8443" }, nil},
		{"SYLLABLE_API_KEY", "\tsome key\n", func(c *config.Config) { c.SyllableAPIKey = "some key" }, nil},
		{"BATCHES", " 20260822.9 ,a b/c,20260822.9," + long, func(c *config.Config) {
			c.Batches = []string{"20260822.9", "a b/c", long}
		}, nil},
		{"CAMPAIGNS", "1, 010,9223372036854775807,1", func(c *config.Config) {
			c.Campaigns = []int64{1, 10, 9223372036854775807}
		}, nil},
		{"POLL_INTERVAL", "100ms", func(c *config.Config) { c.PollInterval = 100 * time.Millisecond }, nil},
		{"MAX_REQUESTS_PER_SECOND", "0.5", func(c *config.Config) { c.MaxRequestsPerSecond = 0.5 }, nil},
		{"MAX_CONCURRENT_REQUESTS", "64", func(c *config.Config) { c.MaxConcurrentRequests = 64 }, nil},
		{"DISCOVERY_INTERVAL", " 1h30m ", func(c *config.Config) { c.DiscoveryInterval = 90 * time.Minute }, nil},
		{"BASELINE", "emit", func(c *config.Config) { c.Baseline = config.BaselineEmit }, nil},
		{"BASELINE", "Silent", func(*config.Config) {}, nil},
		{"RECORDING", "r.jsonl", func(c *config.Config) { c.Recording = "r.jsonl" }, nil},
		{"DATA_DIR", "/var/lib/notifier data", func(c *config.Config) { c.DataDir = "/var/lib/notifier data" }, nil},
		{"NATS_URL", "nats://a, tls://b:4443", func(c *config.Config) { c.NATSURL = "nats://a,tls://b:4443" }, nil},
		{"NATS_URL", "wss://u:%2C@a,ws://[::1]/", func(c *config.Config) { c.NATSURL = "wss://u:%2C@a,ws://[::1]/" }, nil},
		{"NATS_LISTEN", "OFF", func(c *config.Config) { c.NATSListen = config.Off }, nil},
		{"NATS_LISTEN", "[::1]:0", func(c *config.Config) { c.NATSListen = "[::1]:0" }, nil},
		{"NATS_LISTEN", ":4222", func(c *config.Config) { c.NATSListen, c.NATSToken = ":4222", "t" },
			map[string]string{"NOTIFIER_NATS_TOKEN": "t"}},
		{"NATS_LISTEN", "0.0.0.0:4222", func(c *config.Config) { c.NATSListen, c.NATSURL = "0.0.0.0:4222", "nats://a" },
			map[string]string{"NOTIFIER_NATS_URL": "nats://a"}}, // unused, so it needs no token
		{"NATS_MAX_STORE", "10GB", func(c *config.Config) { c.NATSMaxStore = 10e9 }, nil},
		{"NATS_MAX_STORE", "32 MiB", func(c *config.Config) { c.NATSMaxStore = 32 << 20 }, nil},
		{"NATS_TOKEN", "é t", func(c *config.Config) { c.NATSToken = "é t" }, nil},
		{"NATS_CREDS", file, func(c *config.Config) { c.NATSCreds, c.NATSURL = file, "nats://a" },
			map[string]string{"NOTIFIER_NATS_URL": "nats://a"}},
		{"NATS_CA", file, func(c *config.Config) { c.NATSCA, c.NATSURL = file, "tls://a" },
			map[string]string{"NOTIFIER_NATS_URL": "tls://a"}},
		{"NATS_CERT", file, func(c *config.Config) { c.NATSCert, c.NATSKey, c.NATSURL = file, file, "tls://a" },
			map[string]string{"NOTIFIER_NATS_URL": "tls://a", "NOTIFIER_NATS_KEY": file}},
		{"OUTBOX_KEEP", "0s", func(c *config.Config) { c.OutboxKeep = 0 }, nil},
		{"OUTBOX_LIMIT", "1000", func(c *config.Config) { c.OutboxLimit = 1000 }, nil},
		{"NATS_STREAM", "Calls-1_ü$", func(c *config.Config) { c.NATSStream = "Calls-1_ü$" }, nil},
		{"NATS_SUBJECT_PREFIX", "acme.EU-1.c_2", func(c *config.Config) { c.NATSSubjectPrefix = "acme.EU-1.c_2" }, nil},
		{"NATS_REPLICAS", "3", func(c *config.Config) { c.NATSReplicas, c.NATSURL = 3, "nats://a" },
			map[string]string{"NOTIFIER_NATS_URL": "nats://a"}},
		{"RETENTION", "1m", func(c *config.Config) { c.Retention = time.Minute }, nil},
		{"SLACK_CHANNEL", "C0123456789", func(c *config.Config) { c.SlackChannel, c.SlackToken = "C0123456789", "t" },
			map[string]string{"NOTIFIER_SLACK_TOKEN": "t"}},
		{"SLACK_CHANNEL", "#appels-été_2", func(c *config.Config) { c.SlackChannel, c.SlackToken = "#appels-été_2", "t" },
			map[string]string{"NOTIFIER_SLACK_TOKEN": "t"}},
		{"SLACK_SINCE", "ALL", slackSince(time.Unix(0, 0)), slack},
		{"SLACK_SINCE", "2026-08-22T12:00:00.5+02:00", slackSince(time.Date(2026, 8, 22, 10, 0, 0, 5e8, time.UTC)), slack},
		{"SLACK_API_URL", "http://proxy/slack", func(c *config.Config) { c.SlackAPIURL = "http://proxy/slack/" }, nil},
		{"HTTP_ADDR", "off", func(c *config.Config) { c.HTTPAddr = config.Off }, nil},
		{"HTTP_ADDR", "localhost:65535", func(c *config.Config) { c.HTTPAddr = "localhost:65535" }, nil},
		{"HTTP_ADDR", "notifier.example:80", func(c *config.Config) { c.HTTPAddr, c.HTTPToken = "notifier.example:80", "t" },
			map[string]string{"NOTIFIER_HTTP_TOKEN": "t"}},
		{"HTTP_TOKEN", "t", func(c *config.Config) { c.HTTPToken = "t" }, nil},
		{"LOG_LEVEL", "debug", func(c *config.Config) { c.LogLevel = slog.LevelDebug }, nil},
		{"LOG_LEVEL", "WARN", func(c *config.Config) { c.LogLevel = slog.LevelWarn }, nil},
		{"LOG_LEVEL", "error", func(c *config.Config) { c.LogLevel = slog.LevelError }, nil},
		{"LOG_FORMAT", "json", func(c *config.Config) { c.LogFormat = config.LogJSON }, nil},
		{"LOG_FORMAT", "text", func(c *config.Config) { c.LogFormat = config.LogText }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			want := defaults()
			want.SyllableAPIKey = "key"
			tt.want(&want)
			env := with(tt.also)
			env["NOTIFIER_"+tt.name] = tt.value
			if diff := cmp.Diff(want, load(t, env)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// slack are the settings that those of Slack need beside them.
var slack = map[string]string{"NOTIFIER_SLACK_TOKEN": "t", "NOTIFIER_SLACK_CHANNEL": "#c"}

func slackSince(at time.Time) func(*config.Config) {
	return func(c *config.Config) { c.SlackToken, c.SlackChannel, c.SlackSince = "t", "#c", at.UTC() }
}

func TestLoadKeyless(t *testing.T) {
	setEnv(t, nil)
	c, err := config.LoadKeyless()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaults(), c); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	// All else is checked as ever, a key that is there included.
	setEnv(t, map[string]string{apiKey: "two\nlines", "NOTIFIER_LOG_LEVEL": "loud"})
	_, err = config.LoadKeyless()
	want := []string{apiKey, "NOTIFIER_LOG_LEVEL"}
	if diff := cmp.Diff(want, names(problemsOf(t, err))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
