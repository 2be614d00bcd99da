package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// syllableURL takes the platform's base URL and returns it without a slash at
// its end.
func syllableURL(s string) (string, error) {
	u, err := httpURL(s)
	if err != nil {
		return "", err
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return "", errors.New("want https: over http, which is for this machine only, the API key would travel in clear")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// slackURL takes Slack's base URL and returns it with a slash at its end, to
// which the client appends the name of a method.
func slackURL(s string) (string, error) {
	u, err := httpURL(s)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(u.String(), "/") + "/", nil
}

// httpURL takes an absolute http or https URL to which a path can be appended.
// The errors of url.Parse quote the value, so they are not passed on.
func httpURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || !validHost(u) || u.User != nil || strings.ContainsAny(s, "?#") ||
		u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("want a URL such as https://host or http://host:port/path, " +
			"without user, password, query and fragment")
	}
	return u, nil
}

// natsURL takes the URLs of one or more servers of a cluster.
func natsURL(s string) (NATSURL, error) {
	var servers []string
	websockets := 0
	for i, part := range strings.Split(s, ",") {
		u, ok := parseServer(part)
		if !ok {
			return "", fmt.Errorf("URL %d: want nats, tls, ws or wss://host:port without path and query, and "+
				"percent-encoding (%%2C for a comma) of anything but letters and digits in user and password", i+1)
		}
		if u.Scheme == "ws" || u.Scheme == "wss" {
			websockets++
		}
		servers = append(servers, strings.TrimSpace(part))
	}
	// The client library refuses the mixture, at the time of the connection.
	if websockets > 0 && websockets < len(servers) {
		return "", errors.New("want ws and wss URLs only, or none of them")
	}
	return NATSURL(strings.Join(servers, ",")), nil
}

// validHost says whether a URL has a host, and a port, if any, in range.
func validHost(u *url.URL) bool {
	if u.Opaque != "" || !isHost(u.Hostname()) {
		return false
	}
	_, _, hasPort := strings.Cut(strings.TrimPrefix(u.Host, "["+u.Hostname()+"]"), ":")
	return !hasPort || isPort(u.Port())
}

// hostName is a name as DNS and the names of containers have it.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)

// isHost takes a name or an address, which has no brackets here.
func isHost(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil || hostName.MatchString(host)
}

func isPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

// listenAddr takes host:port or the word off. Without a host, it is every
// interface; port 0 is any free port.
func listenAddr(s string) (string, error) {
	if strings.EqualFold(s, Off) {
		return Off, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host != "" && !isHost(host) || !isPort(port) {
		return "", errors.New("want host:port, with a port from 0 to 65535, or off")
	}
	return s, nil
}

// isLocal says whether an address that listenAddr took is out of reach of
// other machines.
func isLocal(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && isLoopback(host)
}

// isLoopback does not look a name up: what a name means may change.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// path takes the path of a folder or file that may be made later.
func path(s string) (string, error) {
	if !isPrintable(s) {
		return "", errors.New("want a path without control characters")
	}
	return s, nil
}

// existingFile takes the path of a file. Its errors leave out the path: the
// file's content may have been put in its place. The file is not opened, since
// a pipe would keep us waiting.
func existingFile(s string) (string, error) {
	info, err := os.Stat(s)
	if err != nil {
		return "", fmt.Errorf("the file it names cannot be used: %w", withoutPath(err))
	}
	if info.IsDir() {
		return "", errors.New("want the path of a file, not of a folder")
	}
	return s, nil
}
