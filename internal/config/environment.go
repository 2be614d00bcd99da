package config

// environment lists every setting: the names of the fields, put together, are
// the name of the variable (NATS.Listen is NOTIFIER_NATS_LISTEN), and the tags
// hold the rest. The order is the one in which settings and problems are shown.
//
//	split_words  the field's name has more than one word
//	default      in force where the variable is unset or empty
//	desc         the meaning, with the unit where there is one
//	secret       never shown; may be given as a file, by NAME_FILE
//	fallback     the variable that is read where neither is set
//
// The groups are structs because envconfig splits words by their case, and
// would not see where one acronym ends in names such as NATSURL.
type environment struct {
	Syllable struct {
		URL    variable `default:"https://api.syllable.cloud" desc:"base of the platform's API"`
		APIKey variable `split_words:"true" secret:"true" fallback:"SYLLABLESDK_API_KEY_HEADER" desc:"the platform's API key"`
	}
	Batches   variable `desc:"comma-separated batch ids to watch; empty: discover them"`
	Campaigns variable `desc:"comma-separated campaign ids that discovery is limited to; empty: all"`
	Poll      struct {
		Interval variable `default:"15s" desc:"target interval of an active batch, adapted and jittered; 100ms at least"`
	}
	Discovery struct {
		Interval variable `default:"1m" desc:"how often batches are listed; 100ms at least"`
	}
	Max struct {
		RequestsPerSecond  variable `split_words:"true" default:"20" desc:"bound on requests to the platform a second"`
		ConcurrentRequests variable `split_words:"true" default:"4" desc:"bound on requests to the platform at once, 1 to 64"`
	}
	Baseline variable `default:"silent" desc:"results already there at the first start: silent (no events) or emit"`
	Data     struct {
		Dir variable `default:"./data" desc:"folder of the state file notifier.db and of the embedded server's jetstream/"`
	}
	Recording variable `desc:"file that the answers of the platform are added to, masked, to report a bug; empty: none"`
	NATS      struct {
		URL           variable `desc:"external NATS with JetStream, comma-separated URLs; empty: embedded server"`
		Listen        variable `default:"127.0.0.1:4222" desc:"host:port of the embedded server; off: in process only"`
		MaxStore      variable `split_words:"true" desc:"bound on the embedded store, such as 10GB; empty: 3/4 of free space"`
		Creds         variable `desc:"path of the credentials file for an external NATS"`
		Token         variable `secret:"true" desc:"token for an external NATS; also asked for by the embedded listener"`
		CA            variable `desc:"path of the CA certificates (PEM) that an external NATS is checked against"`
		Cert          variable `desc:"path of the client certificate (PEM) for an external NATS"`
		Key           variable `desc:"path of the client certificate's key (PEM)"`
		Stream        variable `default:"SYLLABLE" desc:"JetStream stream that holds the events"`
		SubjectPrefix variable `split_words:"true" default:"syllable" desc:"first token or tokens of every subject"`
		Replicas      variable `default:"1" desc:"replicas of the stream: 1, 3 or 5; the embedded server has 1"`
	}
	Outbox struct {
		Keep  variable `default:"24h" desc:"how long events stay in the state after the stream took them, to fill it again"`
		Limit variable `default:"1000000" desc:"how many events may wait for the stream before polling pauses"`
	}
	Retention variable `default:"168h" desc:"how long events stay in the stream; 1m at least"`
	Slack     struct {
		Token   variable `secret:"true" desc:"bot token; empty: no Slack"`
		Channel variable `desc:"channel id or #name that completed insights go to"`
		Since   variable `desc:"first events for Slack when it is set up: all, or from a time such as 2026-08-22T10:00:00Z; empty: those to come"`
		API     struct {
			URL variable `default:"https://slack.com/api/" desc:"base of Slack's API, for tests and proxies"`
		}
	}
	HTTP struct {
		Addr  variable `default:"127.0.0.1:8080" desc:"host:port of health, metrics and status; off: none"`
		Token variable `secret:"true" desc:"token for the HTTP server; needed where its address is not loopback"`
	}
	Log struct {
		Level  variable `default:"info" desc:"debug, info, warn or error"`
		Format variable `default:"auto" desc:"text, json, or auto: text on a terminal, else json"`
	}
}

// later are the names whose feature comes with a later release. Setting one is
// a problem, because ignoring it would look like obeying it.
var later = []string{
	"NOTIFIER_SLACK_MODE",
	"NOTIFIER_SLACK_WEBHOOK_URL",
	"NOTIFIER_SLACK_WEBHOOK_URL_FILE",
	"NOTIFIER_WEBHOOK_URL",
	"NOTIFIER_WEBHOOK_SECRET",
	"NOTIFIER_WEBHOOK_SECRET_FILE",
	"NOTIFIER_WEBHOOK_EVENTS",
	"NOTIFIER_WEBHOOK_ALLOW_PRIVATE",
	"NOTIFIER_ROUTES",
}
