// Package slack is the sink that tells people about calls: for each event
// insights.completed it posts one message to one Slack channel. All other
// events it takes and ignores.
//
//	✅ Call completed                                   header
//	│ The patient confirmed the visit on March 3 …      summary: rich_text
//	Rating                 🙂 Good                      fields: label, value
//	Appointment confirmed  yes
//	Reference              12345
//	Phone                  •••-•••-••34
//	Attempts               2
//	Batch 20260822.9 · Campaign 1 · Called … · Seen …   context
//
// # What comes from a call is text, nothing else
//
// Summaries are written by a model about what strangers said on the phone.
// Whatever comes from a call therefore goes into plain_text or rich_text,
// where <!channel>, <@U…>, links, shortcodes and backticks are characters.
// mrkdwn is used for labels and times only, where & < > are escaped. Control
// characters, marks that turn the direction of writing and invisible filling
// are taken out before. Lengths are cut to Slack's limits, counted as if
// everything were escaped, between characters and never inside an entity.
//
// # What is private
//
// Of the phone number only the last two digits are shown, and the number of
// the call itself is masked wherever it stands in the call's texts and ids,
// with whatever spaces and hyphens. Request variables and session data are
// never shown. Another number that the model wrote into a summary ("call me
// back at …") is the customer's data and stays: it is what a reader needs. No
// error has the token, a URL or text of a call in it.
//
// # Once, or again
//
// An event is delivered at least once: if an answer is lost after Slack has
// stored the message, the next attempt posts it again. Each message carries
// the event id as metadata, by which the first one could be found. A message
// that Slack finds invalid or too long is sent again as text alone, and only
// if that is refused too is the event given up.
//
// The package does not log, retry or queue: its verdict goes to whoever
// delivers. It does not edit messages, open threads or gather several calls
// into one message, and it reads nothing from Slack.
package slack
