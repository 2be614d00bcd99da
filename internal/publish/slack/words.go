package slack

import (
	"strings"
	"unicode"
)

// headline says how the call ended: an emoji, what became of the request, and
// what the channel (the phone line) said, where that adds something. Both sets
// of statuses are open, so that an unknown one is shown in its own words.
func headline(request, channel string) string {
	r, c := statusKey(request), statusKey(channel)
	line := emojiOf(r, c) + " "
	switch {
	case r == "" && c == "":
		return line + "Call"
	case r == "":
		return line + "Call: " + channelWords(c)
	}
	line += "Call " + requestWords(r)
	if c == "" || c == r {
		return line
	}
	return line + " · " + channelWords(c)
}

// statusKey writes NO-ANSWER, NO_ANSWER and no answer alike.
func statusKey(status string) string {
	return strings.Join(strings.FieldsFunc(strings.ToUpper(status), func(r rune) bool {
		return !wordRune(r)
	}), " ")
}

// emojiOf judges the call at a glance.
func emojiOf(request, channel string) string {
	switch request {
	case "COMPLETED":
		if channel == "MACHINE" {
			return "📼"
		}
		return "✅"
	case "FAILED", "INVALID":
		return "❌"
	case "CANCELED", "CANCELLED", "SKIPPED", "DUPLICATE":
		return "🚫"
	case "CONNECTED", "INITIATED":
		return "📞"
	}
	return "📋"
}

func requestWords(key string) string {
	switch key {
	case "INVALID":
		return "not made: invalid"
	case "DUPLICATE":
		return "not made: duplicate"
	}
	return strings.ToLower(key)
}

func channelWords(key string) string {
	switch key {
	case "MACHINE":
		return "answering machine"
	case "HUMAN":
		return "answered by a person"
	}
	if rest, ok := strings.CutPrefix(key, "SIP "); ok {
		return "SIP " + strings.ToLower(rest)
	}
	return strings.ToLower(key)
}

// ratingEmoji marks the ratings that the platform's examples have.
func ratingEmoji(rating string) string {
	switch strings.ToLower(rating) {
	case "excellent":
		return "🌟 "
	case "good":
		return "🙂 "
	case "fair":
		return "😐 "
	case "poor":
		return "🙁 "
	case "bad":
		return "😠 "
	}
	return ""
}

// humanise makes a label of a customer's key: call_duration_seconds and
// callDurationSeconds become "Call duration seconds". A key without a letter
// or digit stays as it is.
func humanise(key string) string {
	var b strings.Builder
	gap, previous := false, rune(0)
	for _, r := range key {
		if !wordRune(r) {
			gap, previous = b.Len() > 0, 0
			continue
		}
		if gap || unicode.IsLower(previous) && unicode.IsUpper(r) {
			b.WriteByte(' ')
			gap = false
		}
		switch {
		case b.Len() == 0:
			b.WriteRune(unicode.ToUpper(r))
		case unicode.IsLower(previous) && unicode.IsUpper(r):
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
		previous = r
	}
	if b.Len() == 0 {
		return key
	}
	return b.String()
}

// wordRune reports whether a character is part of a word in any script.
func wordRune(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) }
