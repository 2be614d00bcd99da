package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
)

// ListenOff as Options.Listen means: no listener, in-process connections only.
const ListenOff = "off"

// MaxPayload is the longest message that the server takes, in bytes, headers
// included. nats-server's own default is 1 MiB, which a call with a long
// transcript can exceed; 8 MiB is the most that nats-server considers sound.
const MaxPayload = 8 << 20

// maxMemory bounds what streams in memory may take, in bytes. Ours are on
// disk; without a bound, a client's could take three quarters of the machine.
const maxMemory = 256 << 20

// privateDir is the mode of the store's folder.
const privateDir fs.FileMode = 0o700

// Options are the settings of the server. StoreDir and Listen are required.
type Options struct {
	// StoreDir is the folder of the store. It is made if it is missing, and
	// closed to other users in any case. The caller must own it exclusively.
	StoreDir string
	// Listen is where clients outside the program connect: host:port, with
	// port 0 for a free one, or ListenOff. Beyond loopback it needs a Token.
	Listen string
	// Token, where set, is required of every client of the listener.
	Token string
	// MaxStore bounds the store, in bytes. 0 stands for three quarters of the
	// disk space that is free at the start or already taken by the store.
	MaxStore int64
	// Log takes what the server has to say; nil stands for nowhere.
	Log *slog.Logger
}

// serverOptions translates the options, and checks them.
func (o Options) serverOptions() (*server.Options, error) {
	if o.StoreDir == "" {
		return nil, errors.New("nats server: no folder for the store was given")
	}
	if o.MaxStore < 0 {
		return nil, fmt.Errorf("nats server: a store of %d bytes: want a positive number, or 0", o.MaxStore)
	}
	if isBcrypt(o.Token) {
		return nil, errors.New("NOTIFIER_NATS_TOKEN is a bcrypt hash: give the token itself")
	}
	so := &server.Options{
		ServerName:             "notifier",
		JetStream:              true,
		StoreDir:               o.StoreDir,
		SyncAlways:             syncAlways,
		JetStreamMaxStore:      o.MaxStore,
		JetStreamMaxMemory:     maxMemory,
		DisableJetStreamBanner: true,
		MaxPayload:             MaxPayload,
		Authorization:          o.Token,
		NoSigs:                 true,
	}
	if o.Listen == ListenOff {
		so.DontListen = true
		return so, nil
	}
	host, port, err := splitListen(o.Listen)
	if err != nil {
		return nil, err
	}
	if !isLoopback(host) && o.Token == "" {
		return nil, fmt.Errorf("NOTIFIER_NATS_LISTEN=%s is open to the network: set NOTIFIER_NATS_TOKEN as well, "+
			"or listen on 127.0.0.1", o.Listen)
	}
	so.Host, so.Port = host, port
	if port == 0 {
		// To nats-server 0 is its default port.
		so.Port = server.RANDOM_PORT
	}
	return so, nil
}

func splitListen(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("NOTIFIER_NATS_LISTEN=%s: want host:port, or %s: %w", listen, ListenOff, err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("NOTIFIER_NATS_LISTEN=%s: the port must be a number from 0 to 65535", listen)
	}
	return host, int(n), nil
}

// isLoopback reports whether the host can be reached from this machine only.
// A name other than localhost counts as open: it can resolve to anything.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// isBcrypt reports whether nats-server would take the token for the hash of
// one, so that the token itself would no longer be accepted.
func isBcrypt(token string) bool {
	ok, _ := regexp.MatchString(`^\$2[abxy]\$\d{2}\$`, token)
	return ok
}

// prepareDir makes the folder of the store, and takes away what rights other
// users have to it: messages hold phone numbers.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, privateDir); err != nil {
		return fmt.Errorf("folder of the nats store: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("folder of the nats store: %w", err)
	}
	if info.Mode().Perm()&^privateDir == 0 {
		return nil
	}
	if err := os.Chmod(dir, privateDir); err != nil {
		return fmt.Errorf("folder of the nats store is open to other users, close it with chmod 700: %w", err)
	}
	return nil
}
