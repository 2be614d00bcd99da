package app_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/syllable-notifier/notifier/internal/config"
)

// userOf makes the one user of a server, who may do what is given.
func userOf(o *server.Options, permissions *server.Permissions) *server.Options {
	o.Users = []*server.User{{Username: "notifier", Password: "canary", Permissions: permissions}}
	return o
}

func deny(publish ...string) *server.Permissions {
	return &server.Permissions{Publish: &server.SubjectPermission{Deny: publish}}
}

// enough is what docs/operating.md says that a user needs, with what is needed to
// make the stream.
func enough() *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			"syllable.>", "$JS.API.STREAM.INFO.SYLLABLE", "$JS.API.CONSUMER.>", "$JS.API.STREAM.MSG.GET.SYLLABLE",
			"$JS.API.DIRECT.GET.SYLLABLE", "$JS.ACK.SYLLABLE.>", "$JS.API.STREAM.CREATE.SYLLABLE",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
	}
}

// What a NATS server lacks or forbids is told within seconds, with what to do;
// once it is there or allowed, the daemon goes on by itself, with no more rights
// than the documentation lists.
func TestExternalNATSWithoutWhatIsNeeded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lacking *server.Options
		reasons []string
	}{
		"no JetStream": {userOf(&server.Options{}, nil), []string{"JetStream does not answer", "enable it"}},
		"no API": {
			userOf(&server.Options{JetStream: true}, deny("$JS.API.>")),
			[]string{"does not allow", "docs/operating.md", "$JS.API.STREAM.INFO.SYLLABLE"},
		},
		"no making of streams": {
			userOf(&server.Options{JetStream: true}, deny("$JS.API.STREAM.CREATE.>")),
			[]string{"does not allow", "$JS.API.STREAM.CREATE.SYLLABLE"},
		},
		"no publishing": {
			userOf(&server.Options{JetStream: true}, deny("syllable.>")), []string{"does not allow", "syllable."},
		},
		"no answers": {
			userOf(&server.Options{JetStream: true}, &server.Permissions{
				Subscribe: &server.SubjectPermission{Deny: []string{"_INBOX.>"}},
			}),
			[]string{"does not allow", "_INBOX."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacking := theirs(t, tt.lacking)
			p, url := newQuickPlatform(t)
			c := settings(t, url)
			c.NATSURL = config.NATSURL("nats://notifier:canary@" + lacking.Addr().String())
			log := &logged{}
			a, _ := beginWith(t, c, textLog(log), unchanged)
			notReady(t, a, tt.reasons...)
			await(t, p)
			port := portOf(t, lacking)
			end(lacking)
			whole := userOf(&server.Options{JetStream: true, StoreDir: tt.lacking.StoreDir, Port: port}, enough())
			now := theirs(t, whole)
			eventually(t, "the outbox empties", relayed(a))
			ready(t, a)
			judgeAs(t, "nats://"+now.Addr().String(), p, nats.UserInfo("notifier", "canary"))
			wantNoSecret(t, log, "canary")
		})
	}
}

// An account may be without JetStream while its server has it.
func TestExternalNATSAccountWithoutJetStream(t *testing.T) {
	t.Parallel()
	without, with := server.NewAccount("without"), server.NewAccount("with")
	s := theirs(t, &server.Options{JetStream: true, Accounts: []*server.Account{without, with}, Users: []*server.User{
		{Username: "notifier", Password: "canary", Account: without},
		{Username: "other", Password: "canary", Account: with},
	}})
	account, err := s.LookupAccount("with")
	if err != nil {
		t.Fatal(err)
	}
	if err := account.EnableJetStream(nil, nil); err != nil {
		t.Fatal(err)
	}
	p, url := newQuickPlatform(t)
	c := settings(t, url)
	c.NATSURL = config.NATSURL("nats://notifier:canary@" + s.Addr().String())
	a, _ := begin(t, c)
	notReady(t, a, "not enabled for the account")
	account, err = s.LookupAccount("without")
	if err != nil {
		t.Fatal(err)
	}
	if err := account.EnableJetStream(nil, nil); err != nil {
		t.Fatal(err)
	}
	await(t, p)
	eventually(t, "the outbox empties", relayed(a))
	judgeAs(t, "nats://"+s.Addr().String(), p, nats.UserInfo("notifier", "canary"))
}
