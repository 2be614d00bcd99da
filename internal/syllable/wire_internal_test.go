package syllable

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A server that sends a byte a second, of its headers or its body, compressed or
// not, holds a request no longer than any other.
func TestFault13Slowloris(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	for name, answer := range map[string]string{
		"headers": "HTTP/1.1 200 OK\r\nX-Slow: " + strings.Repeat("x", 1000),
		"a list":  head + "\r\n[" + strings.Repeat(" ", 1000),
		"gzip":    head + "Content-Encoding: gzip\r\n\r\n" + strings.Repeat(string(zipped(t, "")), 1000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var drips sync.WaitGroup
				defer drips.Wait()
				c := New("http://slow.example.com", "k", "test")
				defer c.Close()
				c.transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					drips.Go(func() { drip(theirs, answer) })
					return ours, nil
				}
				start := time.Now()
				_, err := c.list(t)
				if took := time.Since(start); err == nil || took > exchangeTimeout || took < exchangeTimeout/3 {
					t.Errorf("error %v after %v, want one after %v at most", err, took, exchangeTimeout)
				}
				if !IsAbout(err) || Cause(err) != "the platform did not answer in time" {
					t.Errorf("about the platform: %v, cause %q", IsAbout(err), Cause(err))
				}
			})
		})
	}
}

// drip answers a request with a byte a second until the client has enough.
func drip(conn net.Conn, answer string) {
	defer conn.Close()
	// An answer to nothing would be an error of its own.
	if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
		return
	}
	go io.Copy(io.Discard, conn)
	for i := range len(answer) {
		if _, err := io.WriteString(conn, answer[i:i+1]); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

// An answer that breaks off in any way is the platform's fault, not that of
// whoever took it.
func TestAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `[{"reference_id":"a"}`)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	srv.EnableHTTP2 = true // where it is an error of the stream
	srv.StartTLS()
	t.Cleanup(srv.Close)
	c := New(srv.URL, "k", "test")
	t.Cleanup(c.Close)
	c.transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	c.transport.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
	if _, err := c.list(t); !IsAbout(err) || Cause(err) != "an answer broke off" {
		t.Errorf("error %v, cause %q", err, Cause(err))
	}
	if _, err := c.Batch(t.Context(), "b"); !IsAbout(err) {
		t.Errorf("error %v of the details of a batch", err)
	}
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[]") })
	_, err := c.Results(t.Context(), "b", Filter{}, Version{}, fullDisk{})
	if !errors.Is(err, errFull) || IsAbout(err) {
		t.Errorf("error %v counts as one about the platform: %v", err, IsAbout(err))
	}
}

var errFull = errors.New("no space left")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestFault19BadTLS(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, tt := range map[string]struct {
		host    string
		until   time.Time
		trusted bool
		good    bool
	}{
		"good":        {host: "127.0.0.1", until: now.Add(time.Hour), trusted: true, good: true},
		"self-signed": {host: "127.0.0.1", until: now.Add(time.Hour)},
		"expired":     {host: "127.0.0.1", until: now.Add(-time.Minute), trusted: true},
		"wrong host":  {host: "192.0.2.1", until: now.Add(time.Hour), trusted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate := selfSigned(t, tt.host, tt.until)
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if !tt.good {
					t.Error("the request, and the key with it, reached a server that could be anyone")
				}
				io.WriteString(w, "[]")
			}))
			srv.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
			srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			srv.StartTLS()
			t.Cleanup(srv.Close)
			c := New(srv.URL, "canary-key", "test")
			t.Cleanup(c.Close)
			c.transport.TLSClientConfig.RootCAs = x509.NewCertPool()
			if tt.trusted {
				c.transport.TLSClientConfig.RootCAs.AddCert(certificate.Leaf)
			}
			_, err := c.list(t)
			if tt.good {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "check NOTIFIER_SYLLABLE_URL") ||
				strings.Contains(err.Error(), "canary-key") {
				t.Errorf("error %v, want one that says what to look at", err)
			}
			if !IsAbout(err) || Cause(err) != "the platform's certificate cannot be trusted" || Class(err) != "certificate" {
				t.Errorf("about the platform: %v, cause %q, class %q", IsAbout(err), Cause(err), Class(err))
			}
		})
	}
}

func selfSigned(t *testing.T, host string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IPAddresses: []net.IP{net.ParseIP(host)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
