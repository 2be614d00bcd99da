package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/time/rate"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/publish"
)

const (
	// defaultPace is Slack's limit: about one message a second and channel.
	defaultPace = time.Second
	// defaultTimeout bounds a request, its answer included.
	defaultTimeout = 30 * time.Second
	defaultAPIURL  = "https://slack.com/api/"
)

// Config of a sink. Token and Channel are required.
type Config struct {
	// Token is the app's bot token, which has the scope chat:write. Secret.
	Token string
	// Channel is the channel's id, or its name with #.
	Channel string
	// APIURL is where the Web API is. Default https://slack.com/api/.
	APIURL string
	// HTTPClient makes the requests; it is copied, and the copy follows no
	// redirect, which would hand the token on. Default: one that gives up
	// after 30 seconds.
	HTTPClient *http.Client
	// Pace is the least time between two messages. Default 1s, which is what
	// Slack allows in a channel; negative: none, for tests.
	Pace time.Duration
}

// poster is what the sink needs of a Slack client.
type poster interface {
	// post sends a message to a channel. Its errors are those of [explain].
	post(ctx context.Context, channel string, m message) error
	// check asks Slack whether it takes the token.
	check(ctx context.Context) error
}

// Sink posts completed insights to one channel. It is safe for concurrent
// use. It implements [publish.Sink].
type Sink struct {
	poster  poster
	channel string
	turn    *rate.Limiter
}

var _ publish.Sink = (*Sink)(nil)

// New returns a sink; it talks to nobody yet. Its error names every field that
// is wrong, and shows no value.
func New(c Config) (*Sink, error) {
	if c.APIURL == "" {
		c.APIURL = defaultAPIURL
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	if !strings.HasSuffix(c.APIURL, "/") {
		c.APIURL += "/"
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Timeout: defaultTimeout}
	}
	limit := rate.Inf
	switch {
	case c.Pace == 0:
		limit = rate.Every(defaultPace)
	case c.Pace > 0:
		limit = rate.Every(c.Pace)
	}
	return &Sink{poster: newClient(c), channel: c.Channel, turn: rate.NewLimiter(limit, 1)}, nil
}

func (c Config) validate() error {
	var errs []error
	if c.Token == "" || strings.ContainsFunc(c.Token, blank) {
		errs = append(errs, errors.New("the bot token must not be empty nor contain spaces or line breaks"))
	}
	if c.Channel == "" || strings.ContainsFunc(c.Channel, blank) {
		errs = append(errs, errors.New("the channel must be its id, such as C0123456789, or its name with #"))
	}
	u, err := url.Parse(c.APIURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		errs = append(errs, errors.New("the API URL must be http or https, with a host and without a query"))
	}
	return errors.Join(errs...)
}

func blank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// Name is the sink's name, "slack".
func (s *Sink) Name() string { return "slack" }

// Check asks Slack whether it takes the token, and sends nothing anywhere. It
// does not know whether the channel exists and the app may post there: only a
// message tells.
func (s *Sink) Check(ctx context.Context) error {
	if err := s.poster.check(ctx); err != nil {
		return fmt.Errorf("slack: check the token: %w", err)
	}
	return nil
}

// Deliver posts an event insights.completed and ignores all others. Errors
// are verdicts as [publish.Sink] has them:
//
//   - [publish.Permanent]: the event cannot be decoded, or Slack refuses its
//     message even as text alone;
//   - [publish.RetryAfter]: Slack asks to slow down;
//   - any other error: token, channel, network or Slack is ill. It says what
//     to do.
func (s *Sink) Deliver(ctx context.Context, e event.Event) error {
	if e.Name != event.InsightsCompleted {
		return nil
	}
	call, err := e.Call()
	if err != nil {
		return publish.Permanent(fmt.Errorf("slack: decode: %w", err))
	}
	m := compose(e, call)
	err = s.post(ctx, m)
	if refused := new(refusedError); errors.As(err, &refused) {
		if err = s.post(ctx, m.simpler(refused)); errors.As(err, &refused) {
			return publish.Permanent(fmt.Errorf("slack: event %s: even as text alone: %w", e.ID.Redacted(), err))
		}
	}
	if err != nil {
		return fmt.Errorf("slack: event %s: %w", e.ID.Redacted(), err)
	}
	// A crash between Slack's answer and the acknowledgement of the event
	// loses nothing and repeats this message: Slack has no idempotency key.
	return nil
}

func (s *Sink) post(ctx context.Context, m message) error {
	if err := s.turn.Wait(ctx); err != nil {
		return fmt.Errorf("wait for a turn in the channel: %w", err)
	}
	return s.poster.post(ctx, s.channel, m)
}
