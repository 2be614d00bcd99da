// Package simulator is the outbound-calling platform as an http.Handler: it
// creates campaigns and batches, dials simulated calls at the batch's rate and
// answers the API as the platform would, from a seed and with a clock that can
// run fast. It serves `notifier demo` and `notifier simulate`, and it is the
// oracle of tests: [Simulator.Truth] says what really happened to every call,
// whether or not anybody looked.
//
// # How it moves
//
// There is no goroutine. Everything that will happen is an event in a heap,
// ordered by simulated time and then by the order of scheduling; every request
// and every method first runs the events that are due. What a call does is
// drawn from a generator seeded by (seed, batch id, reference id, purpose), so
// it depends neither on when it is observed nor on other calls; only its turn
// to be dialled depends on its place in the batch.
//
//	request_status          channel_manager_status     insights_status
//	PENDING                 null                       null
//	INITIATED               QUEUED                                      dialled
//	CONNECTED               IN-PROGRESS                                 answered
//	COMPLETED               COMPLETED or MACHINE                        hung up
//	                                                   PENDING, PROCESSING,
//	                                                   COMPLETED or FAILED
//	FAILED                  BUSY, NO-ANSWER            INITIATED again if a retry is left
//	FAILED                  DECLINED, FAILED, SIP_NOT_FOUND
//	CANCELED                CANCELED                   instead of being dialled
//	INVALID, DUPLICATE      INVALID, DUPLICATE         from creation on
//
// # Where the platform is unknown
//
// What a client has to bear either way is a choice in [Unknown]: what is left
// of a deleted batch, the order of results, whether they have validators,
// whether last_updated_at moves with a call, whether a retry shows in
// request_status, and whether insights change after they are COMPLETED.
//
// Another choice that nothing documents is marked by a comment where it is
// made. The main ones: channel_manager_status is null until the first dial,
// because the channel manager has not seen the request before (its sid is null
// as well) and because null is the harder value for a consumer; a batch that
// expires or is deleted cancels the calls it has not dialled; a deleted batch
// takes no change, and its id is not free; the batches of a deleted campaign
// go on; an uploaded file names its columns in its first line, is taken whole
// or not at all, and fails the batch where it cannot be read; lists are in
// creation order unless asked otherwise; searching compares whole values; the
// parameter fields is checked, and has no effect, since the answers that are
// documented need all fields; what has no documented answer is answered with
// what it was about.
//
// # Faults
//
// [Faults] spoils the answers of this handler, or of any other, in the ways
// that [FaultHelp] lists. Each request is carried out first and its answer
// spoilt then, so that the truth is the same with and without. What is hit
// depends on the seed and on how often a path was asked for.
//
// [Simulator.Faulty] adds, outside the API and without a key:
//
//	GET /admin/faults        the faults, those of the next answers, and how many
//	                         answers each kind has hit
//	PUT /admin/faults        {"faults": ["500:10%", "empty@results"]} replaces all
//	DELETE /admin/faults     removes all
//	POST /admin/next         {"path": "results", "fault": "html", "count": 2} spoils
//	                         the next answers of paths that contain path; by
//	                         default one answer, of any path
//	GET /admin/truth         all batches
//	GET /admin/truth?batch=  one, with all values that its calls ever had, and
//	                         when they took them
//
// # What it leaves out
//
// It does not place SMS or email (a campaign's mode is kept, and its calls are
// calls), keep calling hours (daily_start_time, active_days) or the bounds of
// a campaign (max_daily_calls, allowed_line_types, target_filters), look for
// voicemail, call webhooks or keep their secrets, or limit rates unless a
// fault does. It speaks no TLS. It does not share a type with the rest of the
// module, so that it cannot share a mistake with the client it tests. It does
// not contain personal names, and its phone numbers are from the range
// reserved for fiction.
package simulator
