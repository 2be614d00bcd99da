// Package syllable is the client of the platform's outbound API: the results
// of a batch, batches, campaigns.
//
// It believes carefully. A list of results counts only when its body arrived
// whole, is strict JSON (valid UTF-8, no duplicate keys), is an array, and
// nothing follows its end; a status is any string or null; fields that are
// absent, null or unknown are normal; what only tells when to ask is passed over
// where it is of an odd type. Each result is handed on as the
// platform's own bytes beside the few fields that are read.
//
// Its errors carry no body, number or key of the platform's answers: they
// name the operation, the HTTP status and what to do.
//
// The package does not decide when to ask, does not retry, does not keep
// state, and does not know what a change is.
package syllable
