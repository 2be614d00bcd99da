package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/syllable-notifier/notifier/internal/publish"
)

// defaultWait is how long to wait when Slack asks to slow down without saying
// for how long.
const defaultWait = 5 * time.Second

// refusedError says that Slack does not take this message, whoever sends it
// and whenever.
type refusedError struct {
	code  string
	place string // where in the message, as a JSON pointer; may be empty
}

func (e *refusedError) Error() string {
	if e.place == "" {
		return fmt.Sprintf("message refused by Slack: %s", e.code)
	}
	return fmt.Sprintf("message refused by Slack: %s at %s", e.code, e.place)
}

// aboutContent are the errors that lie in the message.
var aboutContent = []string{
	"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text",
	"invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large",
	"invalid_charset", "invalid_form_data",
}

// aboutPace are the errors that pass if one waits.
var aboutPace = []string{"ratelimited", "rate_limited", "message_limit_exceeded"}

// advice says what to do about an error that lies in the set-up. Other errors
// lie with Slack, or are new.
var advice = map[string]string{
	"not_authed":        "set NOTIFIER_SLACK_TOKEN to the app's bot token",
	"invalid_auth":      "set NOTIFIER_SLACK_TOKEN to a bot token that is valid in this workspace",
	"account_inactive":  "the token's app or workspace was deactivated: install the app again, take its new token",
	"token_revoked":     "the token was revoked: install the app again and take its new token",
	"token_expired":     "the token has expired: set NOTIFIER_SLACK_TOKEN to one that does not rotate",
	"missing_scope":     "give the app the scope chat:write and install it again",
	"channel_not_found": "check NOTIFIER_SLACK_CHANNEL; an app sees a private channel only after /invite",
	"not_in_channel":    "invite the app: type /invite and its name in the channel",
	"is_archived":       "unarchive the channel, or set NOTIFIER_SLACK_CHANNEL to another",
	"restricted_action": "a setting of the workspace keeps the app from posting here: ask its administrator",
	"access_denied":     "a setting of the workspace keeps the app out: ask its administrator",
	"ekm_access_denied": "the workspace's key management keeps the app out: ask its administrator",
	"unknown_method":    "NOTIFIER_SLACK_API_URL does not point to Slack's Web API",
}

const (
	passingAdvice = "the trouble is Slack's: it is tried again; see https://slack-status.com if it lasts"
	unknownAdvice = "look it up at https://docs.slack.dev/reference/methods/chat.postMessage"
)

// passing are errors that are Slack's own.
var passing = []string{"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}

// explain turns an error of slack-go into a [refusedError], a
// [publish.RetryAfter] or an error that says what to do. What a server wrote
// is not repeated but for a code and a place of known form, and URLs are left
// out: either may hold the token.
func explain(err error, token string) error {
	if err == nil {
		return nil
	}
	if limited := new(slackapi.RateLimitedError); errors.As(err, &limited) {
		return slowDown(limited.RetryAfter)
	}
	var status slackapi.StatusCodeError
	if errors.As(err, &status) {
		return explainStatus(status.Code)
	}
	var r slackapi.SlackErrorResponse
	if errors.As(err, &r) && r.Err != token {
		return explainCode(r)
	}
	if u := new(url.Error); errors.As(err, &u) {
		err = u.Err
	}
	if strings.Contains(err.Error(), token) {
		return errors.New("no answer of Slack's: the details are withheld, since they contain the token; " +
			"check NOTIFIER_SLACK_API_URL, and proxies on the way")
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, errNotSlack) {
		return err
	}
	return fmt.Errorf("cannot reach Slack, it is tried again: %w", err)
}

func explainStatus(status int) error {
	switch {
	case status == http.StatusTooManyRequests:
		return slowDown(0)
	case status >= 500:
		return fmt.Errorf("status %d %s: %s", status, http.StatusText(status), passingAdvice)
	}
	return fmt.Errorf("status %d %s, which Slack does not answer: check NOTIFIER_SLACK_API_URL, and proxies on the way",
		status, http.StatusText(status))
}

func slowDown(wait time.Duration) error {
	if wait <= 0 { // missing, zero, or too large for a Duration
		wait = defaultWait
	}
	return publish.RetryAfter(fmt.Errorf("asked by Slack to slow down for %s", wait), wait)
}

var (
	codeForm  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	placeForm = regexp.MustCompile(`\[json-pointer:((?:/[a-z_]{1,20}|/[0-9]{1,3}){1,10})\]`)
)

func explainCode(r slackapi.SlackErrorResponse) error {
	code := r.Err
	switch {
	case !codeForm.MatchString(code):
		return fmt.Errorf("an error that is none of Slack's: %w", errNotSlack)
	case slices.Contains(aboutContent, code):
		refused := &refusedError{code: code}
		for _, m := range r.ResponseMetadata.Messages {
			if found := placeForm.FindStringSubmatch(m); found != nil {
				refused.place = found[1]
				break
			}
		}
		return refused
	case slices.Contains(aboutPace, code):
		return slowDown(0)
	case slices.Contains(passing, code):
		return fmt.Errorf("%s: %s", code, passingAdvice)
	}
	if what, ok := advice[code]; ok {
		return fmt.Errorf("%s: %s", code, what)
	}
	return fmt.Errorf("%s: %s", code, unknownAdvice)
}
