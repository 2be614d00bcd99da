package simulator

import "time"

// phrases are the sentences of one language. Slots in braces are filled from
// the call's topic. None holds a person's name.
type phrases struct {
	layout    string              // of dates, as in package time
	opening   map[string][]string // by purpose and answer
	tone      map[string][]string // by mood.tone
	detail    []string            // said whatever the mood
	callback  []string            // a callback was asked for
	voicemail []string            // complete summaries
}

// spoken holds the phrases by language.
var spoken = map[string]phrases{
	english:    inEnglish,
	spanish:    inSpanish,
	vietnamese: inVietnamese,
}

// date writes a date the way the language does; a customer's variable that is
// no date stays as it is.
func (p phrases) date(value string) string {
	t, err := time.Parse(time.DateOnly, value)
	if err != nil {
		return value
	}
	return t.Format(p.layout)
}

var inEnglish = phrases{
	layout: "January 2",
	opening: map[string][]string{
		purposeAppointment + " yes": {
			"The patient confirmed the {date} visit at {clinic} for {time}.",
			"Appointment on {date} at {time} confirmed with {clinic}.",
			"The caller will come to {clinic} on {date} and asked to arrive {minutes} minutes early.",
			"Reminder for {date}, {time} delivered; the patient said they will be there.",
			"A family member confirmed the {time} appointment on {date} on the patient's behalf.",
		},
		purposeAppointment + " rescheduled": {
			"The patient could not make {date} at {time} and moved the visit to {other}.",
			"Rescheduled from {date} to {other} at {clinic} because of work.",
			"The caller asked for a later slot than {time}; {other} was offered and accepted.",
			"A transport problem on {date} led to a new appointment at {clinic} on {other}.",
		},
		purposeAppointment + " no": {
			"The patient declined the {date} appointment at {clinic} and did not want another.",
			"The {time} visit on {date} was cancelled; the patient is being seen elsewhere.",
			"The caller did not recognise the {date} appointment at {clinic} & refused to confirm it.",
			"The patient ended the call before confirming {date} at {time}.",
		},
		purposeRefill + " yes": {
			"The patient requested a {days}-week refill of {med} from {clinic}.",
			"Refill of {med} approved by the patient; {days} doses are left at home.",
			"The caller wants {med} refilled & will collect it on {date}.",
			"Prescription for {med} renewed through {clinic}, pick-up after {time}.",
		},
		purposeRefill + " no": {
			"The patient stopped taking {med} {days} days ago and needs no refill.",
			"No refill of {med} for now: supply at home is > {days} weeks.",
			"The caller gets {med} from another pharmacy and asked {clinic} to stop reminders.",
			"The refill of {med} was declined because the co-pay rose < {days} weeks ago.",
		},
		purposeSurvey + " yes": {
			"The survey on the {visit} visit to {clinic} was completed with {score} of 10 for cleanliness.",
			"All questions about the {visit} visit were answered; waiting time was {minutes} min.",
			"The patient rated the staff at {clinic} {score}/10 after the visit on {visit}.",
			"Feedback for {clinic} collected: recovery after {visit} took {days} days.",
		},
		purposeSurvey + " no": {
			"The patient declined the survey on the {visit} visit to {clinic}.",
			"The caller left the survey after question {days}, {seconds} seconds in.",
			"No feedback on {visit}: the patient says they never visited {clinic}.",
			"The survey about {clinic} was refused; the patient was driving ({minutes} miles to go).",
		},
	},
	tone: map[string][]string{
		"good": {
			"They thanked the assistant and had no further questions.",
			"The conversation was friendly & short.",
			"Directions and parking were explained and repeated back correctly.",
			"They were pleased that the call took < 5 minutes.",
			"Insurance details were verified without difficulty.",
			"They said the reminder was \"very helpful\".",
		},
		"fair": {
			"The assistant had to repeat the question because of background noise.",
			"They were unsure about insurance cover and will check.",
			"Part of the answer was <inaudible>, the rest was clear.",
			"They asked twice whether they were speaking to a person.",
			"They wanted to know the cost, which the assistant could not say.",
			"There was a pause of about {seconds} seconds before the answer.",
		},
		"poor": {
			"They were upset about a wait of > {minutes} minutes at the last visit.",
			"The assistant misheard the date {days} times.",
			"They complained about receiving {days} calls in one week.",
			"The audio broke up & the caller became impatient.",
			"They asked to be taken off the list and hung up.",
			"A billing dispute from {visit} is still open and dominated the call.",
		},
	},
	detail: []string{
		"They need wheelchair access & an interpreter.",
		"Fasting instructions (no food < 8 hours before) were given.",
		"They will bring lab results from {visit}.",
		"They reported mild side effects since {visit}.",
		"They asked for a text message the day before.",
		"Pain was given as > {days} on a scale of 10.",
		"They prefer calls after {time}.",
		"They asked whether {clinic} offers video visits.",
	},
	callback: []string{
		"A callback from a nurse was requested.",
		"They want a person to call back after {time}.",
		"Please call back within {days} days.",
		"Callback requested: billing & insurance.",
	},
	voicemail: []string{
		"Voicemail reached; a message about {date} at {clinic} was left.",
		"An answering machine took the call. The reminder for {time} on {date} was left with the callback number.",
		"The greeting lasted {seconds} seconds; a short message from {clinic} was left after the tone.",
		"Left a message asking to call {clinic} before {date}. No one picked up.",
		"Mailbox answered. The message about {clinic} was cut off after {seconds} seconds.",
	},
}
