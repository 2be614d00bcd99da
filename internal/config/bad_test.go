package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/syllable-notifier/notifier/internal/config"
)

// TestLoadBadValue has values that are wrong by themselves: one problem each,
// which does not quote the value, nor does the listing show it.
func TestLoadBadValue(t *testing.T) {
	dir := t.TempDir()
	bad := map[string][]string{
		"SYLLABLE_URL": {
			"api.syllable.cloud", "ftp://host", "https://", "https:///path", "https://u@host", "https://u:pw@host",
			"https://host?x=1", "https://host?", "https://host#f", "https://host#", "https://host:99999", "https://host:",
			"https:host", "http://host", "http://10.0.0.1", "http://0.0.0.0", "https://ho st", "https://a,b", "https://%zz",
			"https://host\x01",
		},
		"SYLLABLE_API_KEY":   {"two\nlines", "two\rlines", "a\tb", "a\x7f", "a\xffb", "a\u00a0b", "\ufeffkey"},
		"BATCHES":            {",", "a,,b", "a,", strings.Repeat("b", 256), "a\nb", "a\xff"},
		"CAMPAIGNS":          {"one", "1,,2", "0", "-1", "1.5", "0x10", "9223372036854775808", "1;2"},
		"POLL_INTERVAL":      {"15", "99ms", "-15s", "0", "soon", "1d", "9999999h"},
		"DISCOVERY_INTERVAL": {"60", "1ms", "NaN"},

		"MAX_REQUESTS_PER_SECOND": {"0", "-1", "NaN", "1001"}, "MAX_CONCURRENT_REQUESTS": {"0", "65", "x"},
		"BASELINE":  {"loud", "silent,emit", "true"},
		"DATA_DIR":  {"a\nb", "\xff/x"},
		"RECORDING": {"a\nb", "\xff/x"},
		"NATS_URL": {
			"host:4222", "http://host", "nats://", "nats://host/path", "nats://host?x=1", "nats://host#f", "nats:host",
			"nats://host:0x1", "nats://host:70000", "nats://host,", ",", "nats://a,,nats://b", "nats://u:pa/ss@host",
			"nats://u:1,2@host", "nats://a,ws://b", "nats://%zz@host", "nats://u:p#w@host", "nats://u:p w@host",
		},
		"NATS_LISTEN": {
			"4222", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:4222", "on", "a b:1", "u@h:1",
		},
		"NATS_TOKEN": {"two\nlines"},
		"NATS_STREAM": {
			"a b", "a.b", "a*", "a>", "a/b", `a\b`, "a\tb", strings.Repeat("s", 256), "a\xff", "\u00a0a.",
		},
		"NATS_SUBJECT_PREFIX": {".", "a.", ".a", "a..b", "a.*", ">", "$SYS", "a b", "_INBOX", "_INBOX.a", "é", "a%2E"},
		"NATS_MAX_STORE":      {"0", "31MiB", "-1GB", "10 bananas", "1e30", "99EB"},
		"NATS_REPLICAS":       {"0", "2", "4", "7", "-1", "one", "1.0"},
		"OUTBOX_KEEP":         {"-1s", "1d", "24"},
		"OUTBOX_LIMIT":        {"0", "999", "-1", "1e6", "1000000001"},
		"RETENTION":           {"59s", "0", "7d", "-1h"},
		"HTTP_ADDR":           {"8080", ":http", "localhost", "[::1]", "http://127.0.0.1:8080", "false"},
		"HTTP_TOKEN":          {"two\nlines"},
		"SLACK_API_URL":       {"slack.com/api", "https://u:p@slack.com", "https://slack.com/?a", "wss://slack.com"},
		"LOG_LEVEL":           {"loud", "info+2", "0", "warning"},
		"LOG_FORMAT":          {"xml", "logfmt"},
	}
	for name, values := range bad {
		for _, value := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				checkBad(t, "NOTIFIER_"+name, value, nil)
			})
		}
	}

	for _, value := range []string{
		"calls", "#", "#Calls", "#two words", "#a.b", "c0123456789", "C", "@someone",
		"#" + strings.Repeat("a", 81), "xoxb-0-token", "#a\xff",
	} {
		t.Run("SLACK_CHANNEL="+value, func(t *testing.T) {
			checkBad(t, "NOTIFIER_SLACK_CHANNEL", value, map[string]string{"NOTIFIER_SLACK_TOKEN": "t"})
		})
	}
	for _, value := range []string{
		"now", "yesterday", "2026-08-22", "2026-08-22T10:00:00", "2026-08-22 10:00:00Z", "9999-01-01T00:00:00Z",
		"1969-12-31T23:59:59Z", "24h",
	} {
		t.Run("SLACK_SINCE="+value, func(t *testing.T) {
			checkBad(t, "NOTIFIER_SLACK_SINCE", value, slack)
		})
	}
	for _, name := range []string{"CREDS", "CA"} {
		for _, value := range []string{dir, dir + "/missing"} {
			t.Run("NATS_"+name+"="+value, func(t *testing.T) {
				checkBad(t, "NOTIFIER_NATS_"+name, value, map[string]string{"NOTIFIER_NATS_URL": "nats://a"})
			})
		}
	}
}

func checkBad(t *testing.T, name, value string, also map[string]string) {
	t.Helper()
	env := with(also)
	env[name] = value
	got := problems(t, env)
	if diff := cmp.Diff([]string{name}, names(got)); diff != "" {
		t.Fatalf("problems (-want +got):\n%s%v", diff, got)
	}
	if got[0].Text == "" || strings.ContainsAny(got[0].Text, "\n\r") {
		t.Errorf("the problem is %q, want one line", got[0].Text)
	}
	if s := setting(t, name); s.Value != "[invalid]" || !s.Set {
		t.Errorf("shown as %+v, want an [invalid] value that is set", s)
	}
}

// TestLoadBadTogether has values that are wrong only beside others. The text
// must name the other variable. Names are without their prefix.
func TestLoadBadTogether(t *testing.T) {
	file := writeFile(t, "x")
	type env = map[string]string
	type want = []config.Problem
	tests := []struct {
		env  env
		want want
	}{
		{env{"SYLLABLE_API_KEY": ""}, want{{"SYLLABLE_API_KEY", "SYLLABLESDK_API_KEY_HEADER"}}},
		{env{"NATS_LISTEN": ":4222"}, want{{"NATS_LISTEN", "NATS_TOKEN"}}},
		{env{"NATS_LISTEN": "10.0.0.1:1"}, want{{"NATS_LISTEN", "NATS_TOKEN"}}},
		{env{"HTTP_ADDR": "[::]:80"}, want{{"HTTP_ADDR", "HTTP_TOKEN"}}},
		{env{"HTTP_ADDR": "box:80"}, want{{"HTTP_ADDR", "HTTP_TOKEN"}}},
		{env{"NATS_MAX_STORE": "1GB", "NATS_URL": "nats://a"}, want{{"NATS_MAX_STORE", "NATS_URL"}}},
		{env{"NATS_CREDS": file}, want{{"NATS_CREDS", "NATS_URL"}}},
		{env{"NATS_CA": file}, want{{"NATS_CA", "NATS_URL"}}},
		{env{"NATS_CERT": file, "NATS_KEY": file}, want{
			{"NATS_CERT", "NATS_URL"}, {"NATS_KEY", "NATS_URL"},
		}},
		{env{"NATS_CERT": file, "NATS_URL": "tls://a"}, want{{"NATS_CERT", "NATS_KEY"}}},
		{env{"NATS_KEY": file, "NATS_URL": "tls://a"}, want{{"NATS_KEY", "NATS_CERT"}}},
		{env{"NATS_CREDS": file, "NATS_TOKEN_FILE": file, "NATS_URL": "tls://a"}, want{{"NATS_CREDS", "NATS_TOKEN_FILE"}}},
		{env{"NATS_TOKEN": "t", "NATS_URL": "tls://a,tls://t@b"}, want{{"NATS_URL", "NATS_TOKEN"}}},
		{env{"NATS_CREDS": file, "NATS_URL": "tls://t@b"}, want{{"NATS_URL", "NATS_CREDS"}}},
		{env{"NATS_REPLICAS": "3"}, want{{"NATS_REPLICAS", "NATS_URL"}}},
		{env{"SLACK_TOKEN": "t"}, want{{"SLACK_TOKEN", "SLACK_CHANNEL"}}},
		{env{"SLACK_CHANNEL": "#c"}, want{{"SLACK_CHANNEL", "SLACK_TOKEN"}}},
		{env{"SLACK_SINCE": "all"}, want{{"SLACK_SINCE", "SLACK_TOKEN"}}},

		// What is wrong already is not blamed twice.
		{env{"NATS_URL": "bad", "NATS_CA": file, "NATS_REPLICAS": "5"}, want{{"NATS_URL", "nats"}}},
		{env{"HTTP_ADDR": ":80", "HTTP_TOKEN": "a\tb"}, want{{"HTTP_TOKEN", "character"}}},
		{env{"SLACK_CHANNEL": "#c", "SLACK_TOKEN_FILE": "/missing"}, want{{"SLACK_TOKEN_FILE", "no such file"}}},
	}
	for _, tt := range tests {
		full := with(nil)
		for name, value := range tt.env {
			full["NOTIFIER_"+name] = value
		}
		for i := range tt.want {
			tt.want[i].Name = "NOTIFIER_" + tt.want[i].Name
		}
		got := problems(t, full)
		if diff := cmp.Diff(names(tt.want), names(got)); diff != "" {
			t.Errorf("%v: problems (-want +got):\n%s%v", tt.env, diff, got)
			continue
		}
		for i, p := range got {
			if !strings.Contains(p.Text, tt.want[i].Text) {
				t.Errorf("%v: problem %q does not speak of %s", tt.env, p, tt.want[i].Text)
			}
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	setEnv(t, map[string]string{
		"NOTIFIER_SYLLABLE_URL":     "http://host",
		"NOTIFIER_CAMPAIGNS":        "1,two,3,four",
		"NOTIFIER_POLL_INTERVAL":    "1ms",
		"NOTIFIER_NATS_CA":          "/missing/ca.pem",
		"NOTIFIER_NATS_REPLICAS":    "2",
		"NOTIFIER_SLACK_TOKEN":      "t",
		"NOTIFIER_SLACK_TOKEN_FILE": "/missing",
		"NOTIFIER_LOG_FORMAT":       "xml",
		"NOTIFIER_WEBHOOK_URL":      "https://host",
		"NOTIFIER_BATCH":            "b",
	})
	c, err := config.Load()
	want := []string{
		"NOTIFIER_SYLLABLE_URL",
		"NOTIFIER_SYLLABLE_API_KEY",
		"NOTIFIER_CAMPAIGNS",
		"NOTIFIER_POLL_INTERVAL",
		"NOTIFIER_NATS_CA", // missing
		"NOTIFIER_NATS_CA", // without NATS_URL
		"NOTIFIER_NATS_REPLICAS",
		"NOTIFIER_SLACK_TOKEN", // given twice
		"NOTIFIER_SLACK_TOKEN", // without a channel
		"NOTIFIER_LOG_FORMAT",
		"NOTIFIER_BATCH",
		"NOTIFIER_WEBHOOK_URL",
	}
	got := problemsOf(t, err)
	if diff := cmp.Diff(want, names(got)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(config.Config{}, c); diff != "" {
		t.Errorf("a configuration came with the error:\n%s", diff)
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(got) {
		t.Fatalf("%d lines for %d problems:\n%v", len(lines), len(got), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]+": ") {
			t.Errorf("line %q does not begin with %s", line, want[i])
		}
	}
	if text := got[2].Text; !strings.Contains(text, "entry 2:") || !strings.Contains(text, "entry 4:") {
		t.Errorf("%q does not name both bad entries", text)
	}
}
