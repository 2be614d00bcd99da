package slack

import (
	"context"
	"net/http"

	slackapi "github.com/slack-go/slack"
)

// eventType is the event_type of every message's metadata.
const eventType = "notifier_insight"

// client is the poster that uses slack-go, of which nothing else in this
// package's behaviour may depend: the library changes often.
type client struct {
	api   *slackapi.Client
	token string
}

func newClient(c Config) client {
	// The token travels in the body, so a redirect would hand it on.
	h := *c.HTTPClient
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client{
		api: slackapi.New(c.Token,
			slackapi.OptionAPIURL(c.APIURL),
			slackapi.OptionHTTPClient(answers{&h}),
		),
		token: c.Token,
	}
}

func (c client) post(ctx context.Context, channel string, m message) error {
	options := []slackapi.MsgOption{
		slackapi.MsgOptionText(m.text, true),
		slackapi.MsgOptionDisableLinkUnfurl(),
		slackapi.MsgOptionDisableMediaUnfurl(),
		// Of the fallback text: * _ ~ and backticks stay characters, and so
		// do URLs and names.
		slackapi.MsgOptionDisableMarkdown(),
		slackapi.MsgOptionParse(false),
	}
	if len(m.blocks) > 0 {
		options = append(options, slackapi.MsgOptionBlocks(m.blocks...))
	}
	if m.eventID != "" {
		options = append(options, slackapi.MsgOptionMetadata(slackapi.SlackMetadata{
			EventType:    eventType,
			EventPayload: map[string]any{"event_id": m.eventID},
		}))
	}
	_, _, err := c.api.PostMessageContext(ctx, channel, options...)
	return explain(err, c.token)
}

func (c client) check(ctx context.Context) error {
	_, err := c.api.AuthTestContext(ctx)
	return explain(err, c.token)
}
