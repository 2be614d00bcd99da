package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/syllable-notifier/notifier/internal/config"
)

// canary stands in every secret of these tests.
const canary = "canary-secret"

// login is a way to log in: what the server wants and what the daemon has, first
// wrong and then right. The daemon reads files again at each attempt.
type login struct {
	server  *server.Options
	set     func(*config.Config)
	correct func(t *testing.T, s *server.Server)
	judge   []nats.Option
	reasons []string
}

// A login or a certificate that is wrong is told with the setting to look at, and
// tried until it is right; no secret is told.
func TestExternalNATSLogin(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(*testing.T) login{
		"token": tokenLogin, "credentials": credsLogin,
		"authority": authorityLogin, "client certificate": certificateLogin,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := build(t)
			s := theirs(t, l.server)
			p, url := newQuickPlatform(t)
			c := settings(t, url)
			c.NATSURL = config.NATSURL("nats://" + s.Addr().String())
			l.set(&c)
			log := &logged{}
			a, _ := beginWith(t, c, textLog(log), unchanged)
			notReady(t, a, append(l.reasons, "NATS is not connected")...)
			_, body := get(t, a, "/readyz")
			await(t, p)
			l.correct(t, s)
			eventually(t, "the outbox empties", relayed(a))
			ready(t, a)
			judgeAs(t, string(c.NATSURL), p, l.judge...)
			_, _ = log.Write([]byte(body))
			wantNoSecret(t, log, canary, "SUA") // how the seed of a user begins
		})
	}
}

func tokenLogin(*testing.T) login {
	o := &server.Options{JetStream: true, Authorization: "another-" + canary}
	return login{
		server: o,
		set:    func(c *config.Config) { c.NATSToken = canary },
		correct: func(t *testing.T, s *server.Server) {
			t.Helper()
			port := portOf(t, s)
			end(s)
			theirs(t, &server.Options{JetStream: true, Authorization: canary, StoreDir: o.StoreDir, Port: port})
		},
		judge:   []nats.Option{nats.Token(canary)},
		reasons: []string{"NOTIFIER_NATS_TOKEN"},
	}
}

// credsLogin is by an operator's server, with a user of an account that it does
// not know at first.
func credsLogin(t *testing.T) login {
	t.Helper()
	operator, account, stranger, system := key(t, nkeys.CreateOperator), key(t, nkeys.CreateAccount),
		key(t, nkeys.CreateAccount), key(t, nkeys.CreateAccount)
	claims := jwt.NewOperatorClaims(public(t, operator))
	claims.SystemAccount = public(t, system)
	signed, err := claims.Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err = jwt.DecodeOperatorClaims(signed); err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	for _, kp := range []nkeys.KeyPair{account, system} {
		a := jwt.NewAccountClaims(public(t, kp))
		if kp == account {
			a.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
		}
		text, err := a.Encode(operator)
		if err != nil {
			t.Fatal(err)
		}
		if err := resolver.Store(public(t, kp), text); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "user.creds")
	writeCreds(t, file, stranger)
	return login{
		server: &server.Options{
			JetStream: true, AccountResolver: resolver, SystemAccount: public(t, system),
			TrustedOperators: []*jwt.OperatorClaims{claims},
		},
		set: func(c *config.Config) { c.NATSCreds = file },
		correct: func(t *testing.T, _ *server.Server) {
			t.Helper()
			writeCreds(t, file, account)
		},
		judge:   []nats.Option{nats.UserCredentials(file)},
		reasons: []string{"NOTIFIER_NATS_CREDS"},
	}
}

func key(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	kp, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return kp
}

func public(t *testing.T, kp nkeys.KeyPair) string {
	t.Helper()
	p, err := kp.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// writeCreds writes the credentials of a new user of an account.
func writeCreds(t *testing.T, file string, account nkeys.KeyPair) {
	t.Helper()
	user := key(t, nkeys.CreateUser)
	text, err := jwt.NewUserClaims(public(t, user)).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(text, seed)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, file, creds)
}

// replace writes a file anew as a whole, so that nobody reads half of it.
func replace(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, k, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// sign returns a certificate of 127.0.0.1 and its key, both in PEM.
func (a authority) sign(t *testing.T) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// tlsOptions are those of a server that wants certificates of that authority.
func (a authority) tlsOptions(t *testing.T) *server.Options {
	t.Helper()
	pair, err := tls.X509KeyPair(a.sign(t))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &server.Options{
		JetStream: true, TLS: true, TLSVerify: true, TLSTimeout: testTimeout.Seconds(),
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
			MinVersion: tls.VersionTLS12,
		},
	}
}

// tlsFiles are what the daemon is given.
type tlsFiles struct{ ca, cert, key string }

// tlsLogin is by a server that wants TLS, with files that are changed when it is
// time to have the right ones.
func tlsLogin(t *testing.T, a authority, reason string, wrong, right func(tlsFiles)) login {
	t.Helper()
	dir := t.TempDir()
	f := tlsFiles{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	cert, keyPEM := a.sign(t)
	replace(t, f.ca, a.pem)
	replace(t, f.cert, cert)
	replace(t, f.key, keyPEM)
	wrong(f)
	return login{
		server:  a.tlsOptions(t),
		set:     func(c *config.Config) { c.NATSCA, c.NATSCert, c.NATSKey = f.ca, f.cert, f.key },
		correct: func(*testing.T, *server.Server) { right(f) },
		judge:   []nats.Option{nats.RootCAs(f.ca), nats.ClientCert(f.cert, f.key)},
		reasons: []string{reason},
	}
}

func authorityLogin(t *testing.T) login {
	t.Helper()
	a := newAuthority(t)
	return tlsLogin(t, a, "NOTIFIER_NATS_CA",
		func(f tlsFiles) { replace(t, f.ca, newAuthority(t).pem) },
		func(f tlsFiles) { replace(t, f.ca, a.pem) })
}

func certificateLogin(t *testing.T) login {
	t.Helper()
	a := newAuthority(t)
	signedBy := func(by authority) func(tlsFiles) {
		return func(f tlsFiles) {
			cert, keyPEM := by.sign(t)
			replace(t, f.key, keyPEM)
			replace(t, f.cert, cert)
		}
	}
	return tlsLogin(t, a, "NOTIFIER_NATS_CERT", signedBy(newAuthority(t)), signedBy(a))
}
