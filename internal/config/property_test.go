package config_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/internal/config"
)

// TestNoValueInProblems puts a canary, amid what parsers stumble over, into any
// variables: no problem quotes any of them, and no secret is ever listed.
func TestNoValueInProblems(t *testing.T) {
	setEnv(t, nil)
	all := []string{sdkKey, "NOTIFIER_WEBHOOK_SECRET", "NOTIFIER_UNKNOWN"}
	for _, s := range config.Settings() {
		all = append(all, s.Name)
		if s.Secret {
			all = append(all, s.Name+"_FILE")
		}
	}
	before := []string{
		"", "", "x", ",", "#", "C", "nats://", "nats://user:", "nats://a,nats://", "tls://u:1,", "https://", "https://u:",
		"https://h?", "127.0.0.1:", "[", "%", "\n", "/", "1h", "\xff",
	}
	after := []string{
		"", "", "x", ",b", "@host", "@host:4222", "@[::1", ":1", "%zz", "\n", "/p", "?q", "#f", "s", "\u00a0y",
	}
	failed, passed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		env := map[string]string{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, 6, rapid.ID).Draw(rt, "names") {
			env[name] = rapid.SampledFrom(before).Draw(rt, "before") + canary + rapid.SampledFrom(after).Draw(rt, "after")
		}
		setEnv(t, env)
		c, err := config.LoadKeyless()
		if err != nil {
			failed++
			if strings.Contains(err.Error(), canary) {
				rt.Fatalf("a problem quotes a value:\n%v", err)
			}
		} else {
			passed++
		}
		// Here a canary is a secret; elsewhere it may be a good value, such as
		// the name of a folder.
		secrets := fmt.Sprintf("%v %+v %#v %d", c.SyllableAPIKey, c.NATSToken, c.SlackToken, c.HTTPToken)
		for _, s := range config.Settings() {
			if s.Secret || strings.HasSuffix(s.Name, "_URL") && strings.Contains(env[s.Name], ":"+canary+"@") {
				secrets += s.Value
			}
		}
		if strings.Contains(secrets, canary) {
			rt.Fatalf("a secret shows: %s", secrets)
		}
	})
	if failed == 0 || passed == 0 {
		t.Errorf("%d failed and %d passed: the property saw one kind only", failed, passed)
	}
}

// FuzzLoad gives any values to the settings whose parsers do most.
func FuzzLoad(f *testing.F) {
	f.Add("key", "", "127.0.0.1:4222", "", "", "15s", "https://api.syllable.cloud", "#c")
	f.Add(" key\n", "nats://user:password@host:4222", "off", "20260822.9,b", "1,2", "100ms", "http://[::1]:80/", "C01234")
	f.Add("a\nb", "nats://u:p/w@h,wss://", "[::]:0", ",", "-1,x", "1", "http://host?#", "#")
	f.Fuzz(func(t *testing.T, key, nats, listen, batches, campaigns, interval, base, channel string) {
		env := map[string]string{
			apiKey:                   key,
			"NOTIFIER_NATS_URL":      nats,
			"NOTIFIER_NATS_LISTEN":   listen,
			"NOTIFIER_BATCHES":       batches,
			"NOTIFIER_CAMPAIGNS":     campaigns,
			"NOTIFIER_POLL_INTERVAL": interval,
			"NOTIFIER_SYLLABLE_URL":  base,
			"NOTIFIER_SLACK_CHANNEL": channel,
			"NOTIFIER_SLACK_TOKEN":   canary,
		}
		for _, value := range env {
			if strings.ContainsRune(value, 0) {
				t.Skip("the environment cannot hold it")
			}
		}
		setEnv(t, env)
		c, err := config.Load()
		shown := fmt.Sprintf("%+v %+v", c, config.Settings())
		if err != nil {
			shown += err.Error()
			checkError(t, err)
		} else {
			checkGood(t, c)
		}
		if strings.Contains(shown, canary) && !strings.Contains(strings.Join([]string{
			nats, listen, batches, campaigns, interval, base, channel,
		}, " "), canary) {
			t.Errorf("a secret shows: %s", shown)
		}
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	bad, ok := errors.AsType[*config.Error](err)
	if !ok || len(bad.Problems) == 0 {
		t.Fatalf("the error is %v, want a *config.Error with problems", err)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(bad.Problems) {
		t.Errorf("%d lines for %d problems:\n%v", len(lines), len(bad.Problems), err)
	}
}

// checkGood checks what the rest of the program relies on.
func checkGood(t *testing.T, c config.Config) {
	t.Helper()
	if key := c.SyllableAPIKey.Reveal(); key == "" || strings.ContainsAny(key, "\r\n\x7f") {
		t.Errorf("the API key %q cannot be a header", key)
	}
	if c.PollInterval < 100*time.Millisecond {
		t.Errorf("poll interval %v", c.PollInterval)
	}
	if !strings.HasPrefix(c.SyllableURL, "http") || strings.HasSuffix(c.SyllableURL, "/") {
		t.Errorf("API base %q", c.SyllableURL)
	}
	for i, id := range c.Batches {
		if id == "" || len(id) > 255 || slices.Contains(c.Batches[:i], id) {
			t.Errorf("batches %q", c.Batches)
		}
	}
	for i, id := range c.Campaigns {
		if id < 1 || slices.Contains(c.Campaigns[:i], id) {
			t.Errorf("campaigns %v", c.Campaigns)
		}
	}
	if c.SlackChannel == "" {
		t.Error("a Slack token without a channel")
	}
	if c.NATSListen == config.Off || c.NATSURL != "" {
		return
	}
	host, _, err := net.SplitHostPort(c.NATSListen)
	if err != nil {
		t.Errorf("listener: %v", err)
	}
	ip := net.ParseIP(host)
	if !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
		t.Errorf("the listener %q needs a token", c.NATSListen)
	}
}
