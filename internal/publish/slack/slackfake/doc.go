// Package slackfake stands in for Slack's Web API, as an http.Handler with two
// methods, chat.postMessage and auth.test. It serves tests, and it is the
// Slack of `notifier demo`, where no workspace is at hand.
//
// It is strict: what the real API would refuse, it refuses with the same
// error, and where the real limit is not documented it takes the smaller one
// that was reported. So a message that it takes is one that Slack takes:
//
//	token        not_authed, invalid_auth
//	channel      channel_not_found
//	text         no_text, msg_too_long over 4,000 characters
//	blocks       invalid_blocks_format, invalid_blocks (with a JSON pointer to
//	             the place), msg_blocks_too_long over 13,200 characters
//	metadata     invalid_metadata_format
//	pace         429 with Retry-After beyond one message a second and channel
//
// Block Kit grows faster than anyone needs. The fake knows header, section,
// context, divider and rich_text of quotes and plain text; every other block
// and every property beyond those is invalid_blocks. That includes the
// elements that act, such as a mention in rich text: who wants to send one has
// to teach it here first.
//
// Faults are scripted with [Fake.Next]; what was stored is read back with
// [Fake.Messages], and [Message.Plain] shows it on a terminal.
//
// The package does not share a type with the sink that it tests, nor with
// the library which that sink uses, so that it cannot share a mistake with
// them. It does not edit, delete or thread messages, does not keep users or
// channels beyond a list of names, and never talks to Slack.
package slackfake
