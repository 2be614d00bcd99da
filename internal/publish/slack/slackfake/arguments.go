package slackfake

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxBody bounds request bodies, in bytes, far above the largest message.
const maxBody = 1 << 20

// arguments of a method, however they were encoded.
type arguments struct {
	Channel     string          `json:"channel"`
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks"`
	Metadata    json.RawMessage `json:"metadata"`
	ThreadTS    string          `json:"thread_ts"`
	UnfurlLinks *bool           `json:"unfurl_links"`
	UnfurlMedia *bool           `json:"unfurl_media"`
	Markup      *bool           `json:"mrkdwn"`
	Parse       string          `json:"parse"`

	token string
}

// method is the last part of the path: the API may live below any prefix.
func method(r *http.Request) string { return path.Base(r.URL.Path) }

// readArguments reads a form or JSON. A token is taken from the header
// Authorization or from a form, not from JSON, as Slack does.
func readArguments(w http.ResponseWriter, r *http.Request) (arguments, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return arguments{}, &apiError{code: "request_timeout"}
	}
	if !utf8.Valid(body) {
		return arguments{}, &apiError{code: "invalid_charset"}
	}
	var args arguments
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Header.Get("Content-Type") == "":
		return args, &apiError{code: "missing_post_type"}
	case err == nil && kind == "application/x-www-form-urlencoded":
		args, err = fromForm(string(body))
	case err == nil && kind == "application/json":
		if json.Unmarshal(body, &args) != nil {
			err = &apiError{code: "invalid_json"}
		}
	default:
		err = &apiError{code: "invalid_post_type"}
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		args.token = bearer
	}
	return args, err
}

func fromForm(body string) (arguments, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return arguments{}, &apiError{code: "invalid_form_data"}
	}
	for _, values := range form {
		for _, v := range values {
			if !utf8.ValidString(v) {
				return arguments{}, &apiError{code: "invalid_charset"}
			}
		}
	}
	args := arguments{
		token:   form.Get("token"),
		Channel: form.Get("channel"), Text: form.Get("text"), ThreadTS: form.Get("thread_ts"),
		Parse:  form.Get("parse"),
		Blocks: json.RawMessage(form.Get("blocks")), Metadata: json.RawMessage(form.Get("metadata")),
	}
	for name, to := range map[string]**bool{
		"unfurl_links": &args.UnfurlLinks, "unfurl_media": &args.UnfurlMedia, "mrkdwn": &args.Markup,
	} {
		switch v := form.Get(name); v {
		case "":
		case "true", "1", "false", "0":
			*to = new(v == "true" || v == "1")
		default:
			return arguments{}, &apiError{code: "invalid_arguments", messages: []string{"[ERROR] not a boolean: " + name}}
		}
	}
	return args, nil
}

// message checks everything that makes Slack refuse a message.
func (a arguments) message() (Message, error) {
	m := Message{
		Channel: a.Channel, Text: a.Text, Thread: a.ThreadTS, Parse: a.Parse,
		UnfurlLinks: a.UnfurlLinks == nil || *a.UnfurlLinks,
		UnfurlMedia: a.UnfurlMedia == nil || *a.UnfurlMedia,
		Markup:      a.Markup == nil || *a.Markup,
	}
	if given(a.Blocks) {
		blocks, err := parseBlocks(a.Blocks)
		if err != nil {
			return m, err
		}
		m.Blocks, m.RawBlocks = blocks, a.Blocks
	}
	if strings.TrimSpace(a.Text) == "" && len(m.Blocks) == 0 {
		return m, &apiError{code: "no_text"}
	}
	if characters(a.Text) > maxText {
		return m, &apiError{code: "msg_too_long"}
	}
	if given(a.Metadata) {
		var data Metadata
		if json.Unmarshal(a.Metadata, &data) != nil || !eventType.MatchString(data.EventType) || data.EventPayload == nil {
			return m, &apiError{code: "invalid_metadata_format"}
		}
		m.Metadata = &data
	}
	return m, nil
}

// eventType is the form of a metadata's event_type.
var eventType = regexp.MustCompile(`^[a-z0-9_]{1,80}$`)

// given says whether an argument that is JSON was sent at all.
func given(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
