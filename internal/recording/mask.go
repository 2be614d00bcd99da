package recording

import (
	"errors"
	"net/url"
	"strings"
)

// masked stands for a value of which nothing may be told.
const masked = "masked"

// How the value of a key is masked. Keys are compared without regard to case,
// since a platform that errs in a key must not unmask its value.
type rule string

const (
	ruleText     rule = ""         // long numbers in texts, and very long ones as numbers
	ruleNumber   rule = "number"   // a phone number: all digits but the last two
	ruleHide     rule = "hide"     // nothing is told
	ruleKeep     rule = "keep"     // an identifier or a time
	ruleInsights rule = "insights" // long numbers in texts, and as numbers
)

var rules = map[string]rule{
	"target": ruleNumber, "caller_id": ruleNumber, "source": ruleNumber,
	"request_variables": ruleHide, "campaign_variables": ruleHide,
	"last_updated_by": ruleHide, "auth_values": ruleHide,
	"insights":     ruleInsights,
	"reference_id": ruleKeep, "batch_id": ruleKeep, "channel_manager_sid": ruleKeep, "dispatch_id": ruleKeep,
	"session_id": ruleKeep, "conversation_id": ruleKeep,
}

func ruleOf(key string) rule { return rules[strings.ToLower(key)] }

// mask returns the exchange as it may be kept.
func mask(e Exchange) (Exchange, error) {
	e.Header, e.Query = keep(e.Header), maskQuery(e.Query)
	for name, value := range e.Header {
		if strings.EqualFold(name, "Location") {
			e.Header[name] = maskLocation(value)
		}
	}
	if e.BodyText != "" {
		e.BodyText = maskText(e.BodyText)
	}
	if len(e.Body) > 0 {
		body, _, whole := maskJSON(e.Body)
		if !whole {
			return e, errors.New("the body is not valid JSON: it belongs into body_text")
		}
		e.Body = body
	}
	return e, nil
}

// maskQuery masks the values of a query as the texts of a body are. What it made
// once it does not change.
func maskQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		text, err := url.QueryUnescape(value)
		switch hidden := maskLong(text); {
		case err != nil: // what it says cannot be seen
			parts[i] = name + "=" + masked
		case ruleOf(name) == ruleKeep || isMoment(text) || hidden == text:
		default:
			parts[i] = name + "=" + url.QueryEscape(hidden)
		}
	}
	return strings.Join(parts, "&")
}

// maskLocation keeps where a redirect leads, but not what it carries.
func maskLocation(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		return masked
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// maskText masks a body that is not JSON. One that begins as JSON, as a body
// does that was cut, holds what a whole one holds: its beginning is masked as
// JSON, and what follows the fault is not told at all.
func maskText(text string) string {
	if start := strings.TrimSpace(text); !strings.HasPrefix(start, "[") && !strings.HasPrefix(start, "{") {
		return hideDigits(text)
	}
	head, rest, _ := maskJSON([]byte(text))
	return string(head) + hide(string(rest))
}
