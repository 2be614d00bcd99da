package simulator

import "net/http"

// faultKinds are all kinds, in the order of help.
func faultKinds() []faultKind {
	kinds := []faultKind{
		statusKind(http.StatusUnauthorized, "the key is refused"),
		statusKind(http.StatusForbidden, "the key may not do this"),
		statusKind(http.StatusNotFound, "there is no such thing"),
		statusKind(http.StatusGone, "it is not there any more"),
		statusKind(http.StatusUnprocessableEntity, "the request is not understood"),
		retryKind(http.StatusTooManyRequests, "too many requests, with a Retry-After", "1"),
		statusKind(http.StatusInternalServerError, "the server is ill"),
		statusKind(http.StatusBadGateway, "the server behind is ill"),
		retryKind(http.StatusServiceUnavailable, "the server is busy, with a Retry-After", "none"),
		statusKind(http.StatusGatewayTimeout, "the server behind is slow"),
	}
	kinds = append(kinds, bodyKinds()...)
	kinds = append(kinds, listKinds()...)
	return append(kinds, wireKinds()...)
}

// bodyKinds give another body.
func bodyKinds() []faultKind {
	return []faultKind{
		{name: "html", help: "a sign-in page with status 200", spoil: func(h *hit) bool {
			return h.replace("text/html; charset=utf-8", []byte("<!DOCTYPE html>\n<html><head><title>Sign in</title>"+
				"</head><body><form method=\"post\"><input name=\"user\"></form></body></html>\n"))
		}},
		{name: "null", help: "the body is null", spoil: func(h *hit) bool {
			return h.replace(jsonType, []byte("null"))
		}},
		{name: "garbage", help: "the body is []garbage", spoil: func(h *hit) bool {
			return h.replace(jsonType, []byte("[]garbage"))
		}},
		{name: "badutf8", help: "a text holds a byte that is not UTF-8", spoil: badUTF8},
		{
			name: "dupkey", help: "an object has a key twice, with two values",
			argument: "case (the second in other letters)", check: only("case"), spoil: duplicateKey,
		},
	}
}

// listKinds change what is listed: results, or the items of a page.
func listKinds() []faultKind {
	return []faultKind{
		{name: "empty", help: "the list is empty", spoil: onList(emptied)},
		{name: "shrink", help: "a third of the list is missing", spoil: onList(shrunk)},
		{name: "shuffle", help: "the list is in another order", spoil: onList(shuffled)},
		{name: "duplicate", help: "one of the list is there twice, with different content", spoil: onList(duplicated)},
		{
			name: "unknown-status", help: "some have a status that nobody knows (default REROUTED)",
			argument: "STATUS", check: anything, spoil: onObjects(unknownStatus),
		},
		{name: "backwards", help: "some have a status that they have left behind", spoil: onObjects(backwards)},
		{
			name: "skew", help: "all times are hours off (default -5h)",
			argument: "DURATION", check: checkDuration, spoil: onObjects(skewed),
		},
	}
}

// wireKinds change how the answer travels.
func wireKinds() []faultKind {
	return []faultKind{
		{
			name: "truncate", help: "the body is cut, with its full length announced or with none (default either)",
			argument: "length|plain", check: only("length", "plain"), spoil: truncate,
		},
		{
			name: "huge", help: "white space before the body (default 256 MiB)",
			argument: "MIB", check: checkMiB, spoil: huge,
		},
		{
			name: "gzip-bomb", help: "the same, compressed (default 1024 MiB)",
			argument: "MIB", check: checkMiB, spoil: gzipBomb,
		},
		{
			name: "slow", help: "one byte a second, then the connection is closed (default after 20s)",
			argument: "DURATION", check: checkPositive, spoil: slow,
		},
		{name: "hang", help: "no answer until the client gives up", spoil: hang},
		{
			name: "redirect", help: "a redirect to another host (default localhost)",
			argument: "HOST[:PORT]", check: checkRedirect, spoil: redirect,
		},
		{name: "drop", help: "the connection is closed without an answer", spoil: func(*hit) bool {
			abort()
			return true
		}},
	}
}
