package simulator

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// mood is a rating and what goes with it.
type mood struct {
	rating    string
	weight    float64
	tone      string    // key of phrases.tone
	sentiment float64   // middle of sentiment_score
	callback  float64   // chance that a callback is asked for
	answers   []float64 // weights of yes, rescheduled, no
}

var moods = []mood{
	{"Excellent", 25, "good", 0.93, 0.02, []float64{92, 6, 2}},
	{"Good", 40, "good", 0.78, 0.08, []float64{80, 14, 6}},
	{"Fair", 20, "fair", 0.52, 0.22, []float64{55, 25, 20}},
	{"Poor", 10, "poor", 0.27, 0.45, []float64{25, 25, 50}},
	{"Bad", 5, "poor", 0.1, 0.6, []float64{8, 12, 80}},
}

// voicemailMoods rate a message left on a machine.
var voicemailMoods = []mood{
	{"Good", 35, "", 0.55, 0, nil},
	{"Fair", 65, "", 0.5, 0, nil},
}

var answers = []string{"yes", "rescheduled", "no"}

// drawInsights makes the insights of a completed call. Values are strings and
// numbers only, as the platform's are.
func drawInsights(r *rand.Rand, c *call, voicemail bool) map[string]any {
	among := moods
	if voicemail {
		among = voicemailMoods
	}
	m := among[pick(r, len(among), func(i int) float64 { return among[i].weight })]
	t := topicOf(r, c, m)
	sentiment := m.sentiment + (r.Float64()-0.5)*0.14
	in := map[string]any{
		"rating":                m.rating,
		"sentiment_score":       math.Round(min(max(sentiment, 0), 1)*100) / 100,
		"call_duration_seconds": int(c.talk / time.Second),
		"preferred_language":    t.language,
		"callback_requested":    "no",
	}
	if voicemail {
		in["voicemail_left"] = "yes"
		in["summary"] = t.fill(one(r, spoken[t.language].voicemail))
		return in
	}
	answer := answers[pick(r, len(answers), func(i int) float64 { return m.answers[i] })]
	answer = t.note(r, in, answer)
	callback := r.Float64() < m.callback
	if callback {
		in["callback_requested"] = "yes"
	}
	in["summary"] = t.summary(r, m, answer, callback)
	return in
}

// topic is what a call was about; its values fill the slots of phrases.
type topic struct {
	purpose, language string
	score             int // 1 to 10, as the mood is
	slots             *strings.Replacer
}

// topicOf reads the request variables that generated calls have and draws what
// an explicit request lacks.
func topicOf(r *rand.Rand, c *call, m mood) topic {
	drawn := drawVariables(r, c.created)
	get := func(key string) string {
		if v := c.variables[key]; v != "" {
			return v
		}
		return drawn[key]
	}
	t := topic{
		purpose: get("purpose"), language: get("language"),
		score: 1 + int(math.Round(m.sentiment*8)) + r.IntN(2),
	}
	if _, ok := purposeKeys[t.purpose]; !ok {
		t.purpose = purposeAppointment
	}
	if _, ok := spoken[t.language]; !ok {
		t.language = english
	}
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	slot := func(days int) string { return c.created.AddDate(0, 0, days).Format(time.DateOnly) }
	t.slots = strings.NewReplacer(
		"{clinic}", get("clinic"),
		"{date}", spoken[t.language].date(or(get("appointment_date"), slot(2+r.IntN(21)))),
		"{time}", or(get("appointment_time"), strconv.Itoa(8+r.IntN(9))+":30"),
		"{visit}", spoken[t.language].date(or(get("visit_date"), slot(-1-r.IntN(14)))),
		"{other}", spoken[t.language].date(slot(24+r.IntN(20))),
		"{med}", or(get("medication"), one(r, medications)),
		"{minutes}", strconv.Itoa(5*(1+r.IntN(9))),
		"{days}", strconv.Itoa(2+r.IntN(8)),
		"{seconds}", strconv.Itoa(3+r.IntN(9)),
		"{score}", strconv.Itoa(t.score),
	)
	return t
}

func (t topic) fill(phrase string) string { return t.slots.Replace(phrase) }

// purposeKeys names the customer's key that holds the answer.
var purposeKeys = map[string]string{
	purposeAppointment: "appointment_confirmed",
	purposeRefill:      "refill_requested",
	purposeSurvey:      "survey_completed",
}

// note adds the customer's keys and returns the answer, of which only an
// appointment can be "rescheduled".
func (t topic) note(r *rand.Rand, in map[string]any, answer string) string {
	if t.purpose != purposeAppointment && answer == "rescheduled" {
		answer = "yes"
	}
	in[purposeKeys[t.purpose]] = answer
	switch {
	case t.purpose == purposeRefill && answer == "yes":
		in["pickup_method"] = one(r, []string{"counter", "drive-thru", "mail"})
	case t.purpose == purposeSurvey && answer == "yes":
		in["survey_score"] = t.score
	}
	return answer
}

// summary joins one to four sentences.
func (t topic) summary(r *rand.Rand, m mood, answer string, callback bool) string {
	p := spoken[t.language]
	sentences := []string{one(r, p.opening[t.purpose+" "+answer])}
	if r.Float64() < 0.75 {
		sentences = append(sentences, one(r, p.tone[m.tone]))
	}
	if r.Float64() < 0.4 {
		sentences = append(sentences, one(r, p.detail))
	}
	if callback {
		sentences = append(sentences, one(r, p.callback))
	}
	text := t.fill(strings.Join(sentences, " "))
	if m.rating == "Excellent" && r.Float64() < 0.1 {
		text += " " + one(r, []string{"👍", "🙏", "😊", "👩‍⚕️"})
	}
	return text
}
