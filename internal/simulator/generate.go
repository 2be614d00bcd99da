package simulator

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Purposes of generated calls, kept in the request variable "purpose".
const (
	purposeAppointment = "appointment_reminder"
	purposeRefill      = "prescription_refill"
	purposeSurvey      = "follow_up_survey"
)

// Languages of generated calls, kept in the request variable "language".
const (
	english    = "en"
	spanish    = "es"
	vietnamese = "vi"
)

// clinics are places without a person's name; some need escaping in HTML or
// in Slack, some are not ASCII.
var clinics = []string{
	"Cedar Grove Clinic", "Lakeside Family & Pediatric Care", "Harbor View Medical Group",
	"Northgate Heart & Vascular Center", "Clínica Sol y Mañana", "Riverbend Primary Care",
	"Mesa Verde Women's Health", "Summit Eye & Ear", "Phòng khám Hoa Sen",
	"Prairie Wind Orthopedics", "Blue Ridge Dental <Annex>", "Eastside Urgent Care",
	"Maple Street Pharmacy & Wellness", "Centro Médico La Paloma",
}

var medications = []string{
	"lisinopril 10 mg", "metformin 500 mg", "atorvastatin 20 mg", "levothyroxine 50 mcg",
	"albuterol inhaler", "amlodipine 5 mg", "omeprazole 20 mg", "sertraline 50 mg",
	"losartan & hydrochlorothiazide", "insulin glargine",
}

var areaCodes = []int{
	202, 206, 212, 213, 214, 215, 216, 225, 240, 253, 262, 267, 281, 303, 305, 310, 312, 313, 314,
	317, 330, 347, 360, 401, 404, 407, 408, 412, 414, 415, 425, 469, 480, 501, 502, 503, 504, 505,
	512, 513, 515, 520, 530, 559, 562, 602, 612, 614, 615, 617, 619, 626, 646, 650, 678, 702, 704,
	713, 714, 718, 720, 727, 757, 770, 773, 781, 786, 801, 808, 816, 817, 818, 832, 858, 901, 904,
	907, 916, 919, 925, 949, 954, 971, 972, 978, 980,
}

// generatedRef is the reference id of the i-th generated request, from 0.
func generatedRef(i int) string { return fmt.Sprintf("ref-%06d", i+1) }

// generate adds the i-th generated request of a batch.
func (s *Simulator) generate(b *batch, i int, at time.Time) {
	ref := generatedRef(i)
	rng := s.random(b.id, ref, "request")
	r := Request{ReferenceID: ref, Target: drawTarget(rng), Variables: drawVariables(rng, at)}
	status, mix := reqPending, b.campaign.mix
	switch x := rng.Float64(); {
	case x < mix.Invalid:
		status = reqInvalid
	case x < mix.Invalid+mix.Duplicate && i > 0:
		status = reqDuplicate
		// All that a call takes from another one is its number here.
		r.Target = b.calls[i-1].target
	}
	s.insert(b, r, status, at)
}

// drawTarget returns a number reserved for fiction: NPA 555 0100 to 0199.
func drawTarget(r *rand.Rand) string {
	return fmt.Sprintf("+1%d55501%02d", areaCodes[r.IntN(len(areaCodes))], r.IntN(100))
}

func drawVariables(r *rand.Rand, at time.Time) map[string]string {
	purposes := []string{purposeAppointment, purposeRefill, purposeSurvey}
	v := map[string]string{
		"clinic":   one(r, clinics),
		"language": drawLanguage(r),
		"purpose":  purposes[pick(r, len(purposes), func(i int) float64 { return []float64{55, 25, 20}[i] })],
	}
	switch v["purpose"] {
	case purposeAppointment:
		v["appointment_date"] = at.AddDate(0, 0, 2+r.IntN(21)).Format(time.DateOnly)
		v["appointment_time"] = fmt.Sprintf("%02d:%02d", 8+r.IntN(9), 15*r.IntN(4))
	case purposeRefill:
		v["medication"] = one(r, medications)
	case purposeSurvey:
		v["visit_date"] = at.AddDate(0, 0, -1-r.IntN(14)).Format(time.DateOnly)
	}
	return v
}

func drawLanguage(r *rand.Rand) string {
	languages := []string{english, spanish, vietnamese}
	return languages[pick(r, len(languages), func(i int) float64 { return []float64{78, 15, 7}[i] })]
}

// line is what a lookup of the target found.
type line struct {
	kind    string
	carrier carrier
}

type carrier struct{ name, mcc, mnc string }

// lines pairs each kind with carriers; their names are invented.
var lines = []struct {
	kind     string
	weight   float64
	carriers []carrier
}{
	{"mobile", 68, []carrier{
		{"Northwind Wireless", "310", "410"}, {"Bluebird Mobile & Data", "311", "480"},
		{"Cascadia Cellular", "310", "260"}, {"Prairie PCS, LLC", "312", "530"},
	}},
	{"landline", 20, []carrier{
		{"Old Mill Telephone Co.", "", ""}, {"Tri-County Exchange", "", ""},
	}},
	{"voip", 12, []carrier{
		{"Openline Voice <IP>", "313", "410"}, {"Cloudtone Networks", "313", "981"},
	}},
}

func drawLine(r *rand.Rand) *line {
	l := lines[pick(r, len(lines), func(i int) float64 { return lines[i].weight })]
	return &line{kind: l.kind, carrier: one(r, l.carriers)}
}

func one[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }
