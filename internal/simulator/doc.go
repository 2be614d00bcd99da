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
// A choice that nothing documents is marked by a comment where it is made. The
// main ones: channel_manager_status is null until the first dial, because the
// channel manager has not seen the request before (its sid is null as well)
// and because null is the harder value for a consumer; a batch that expires
// cancels the calls it has not dialled; lists are in creation order unless
// asked otherwise; searching compares whole values.
//
// # What it leaves out
//
// It does not inject faults, place SMS or email, keep calling hours
// (daily_start_time, active_days), pace itself (auto_call_rate), filter line
// types, send webhooks, delete batches, read CSV uploads or limit rates. It
// does not share a type with the rest of the module, so that it cannot share
// a mistake with the client it tests. It does not contain personal names, and
// its phone numbers are from the range reserved for fiction.
package simulator
