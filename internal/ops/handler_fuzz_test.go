package ops

import (
	"net"
	"net/url"
	"strings"
	"testing"
)

// Whatever is taken for loopback, a URL parser takes for it as well: no Host
// passes that a browser could understand as somebody else's name.
func FuzzIsLoopbackHost(f *testing.F) {
	for _, s := range []string{
		"localhost", "localhost:8080", "LOCALHOST.", "127.0.0.1:1", "[::1]", "[::1]:80", "::1", "",
		"localhost:80@attacker.example", "attacker.example#localhost", "[::1", "localhost:", "[localhost]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, hostport string) {
		if !isLoopbackHost(hostport) {
			return
		}
		u, err := url.Parse("http://" + hostport + "/")
		if err != nil {
			return // not a host that could be asked for
		}
		host := u.Hostname()
		ip := net.ParseIP(host)
		if !strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") && (ip == nil || !ip.IsLoopback()) {
			t.Errorf("%q passes, but names %q", hostport, host)
		}
	})
}
