// Package recording keeps what a platform answered, so that it can be played
// back: a [Writer] writes exchanges to a file, with all that is private
// masked; [Read] reads the file; a [Player] is an http.Handler that gives the
// answers again, in their order.
//
// A file holds one JSON object a line, an [Exchange]:
//
//	{"time": "2026-08-22T10:00:15Z", "method": "GET",
//	 "path": "/api/v1/outbound/batches/20260822.9/results", "query": "",
//	 "status": 200, "header": {"Content-Type": "application/json"},
//	 "body": [{"reference_id": "12345", "target": "***-***-**42", …}]}
//
// # What is masked
//
// Of a JSON body: all digits but the last two of target, caller_id and source;
// every value of request_variables and campaign_variables, and last_updated_by
// and auth_values; in all other texts, numbers of seven digits or more however
// they are grouped; and in insights, numbers that long as well. What names a
// batch, a call or a moment is kept, for without it nothing could be followed.
// Of a body that is not JSON, all digits are masked; if it is JSON in its
// beginning, then the rest is masked, letters and all. Of the headers, only
// those that say how to treat the answer are kept.
//
// Equal values stay equal under the mask, so that a call that did not change
// does not change in the recording.
//
// # What it leaves out
//
// The package does not make requests of its own and keeps nothing of them but method,
// path and query; it never sees a key. It does not bound the size of a file.
// Names in free text, such as the summary of a call, are not found. A body
// that is not UTF-8 cannot be written as it was.
package recording
