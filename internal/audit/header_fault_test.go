package audit_test

import "testing"

// Faults of single messages are tried on the last event of the second call.
const (
	last   = 10
	lastID = "s7k2m4p9x1qa.20260822%2E9.r%2E2.5"
	atLast = `call "r.2" of batch "20260822.9", revision 5: `
)

// TestHeaderValues gives one header at a time another value.
func TestHeaderValues(t *testing.T) {
	t.Parallel()
	const batches = "/api/v1/outbound/batches/"
	faults := map[string]fault{}
	for _, tt := range []struct{ name, header, value, want string }{
		{"old version", "ce-specversion", "0.3", `want "1.0"`},
		{"no id", "ce-id", "5", `want "` + lastID + `"`},
		{"id not encoded", "ce-id", "s7k2m4p9x1qa.20260822.9.r.2.5", `want "` + lastID + `"`},
		{"id of another call", "ce-id", "s7k2m4p9x1qa.20260822%2E9.r1.5", `want "` + lastID + `"`},
		{"id of another batch", "ce-id", "s7k2m4p9x1qa.20260822%2E8.r%2E2.5", `want "` + lastID + `"`},
		{"id of another revision", "ce-id", "s7k2m4p9x1qa.20260822%2E9.r%2E2.4", `want "` + lastID + `"`},
		{"message id not the id", "Nats-Msg-Id", lastID + "0", `want "` + lastID + `"`},
		{"type without prefix", "ce-type", "channel.busy", `want "syllable.channel.busy"`},
		{"type of another status", "ce-type", "syllable.channel.failed", `want "syllable.channel.busy"`},
		{"type of another kind", "ce-type", "syllable.request.busy", `want "syllable.channel.busy"`},
		{"source not encoded", "ce-source", "https://x" + batches + "20260822.9", "want <API base>" + batches},
		{"source of another batch", "ce-source", "https://x" + batches + "1", "want <API base>"},
		{"source without base", "ce-source", batches + "20260822%2E9", "want <API base>"},
		{"source without host", "ce-source", "https:" + batches + "20260822%2E9", "want <API base>"},
		{"source with two slashes", "ce-source", "https://x/" + batches + "20260822%2E9", "want <API base>"},
		{"source of another protocol", "ce-source", "ftp://x" + batches + "20260822%2E9", "want <API base>"},
		{"subject needlessly encoded", "ce-subject", "r%2E2", `want "r.2"`},
		{"subject of another call", "ce-subject", "r1", `want "r.2"`},
		{"time of another poll", "ce-time", "2026-08-22T10:00:30Z", `want "2026-08-22T10:00:45Z"`},
		{"time not UTC", "ce-time", "2026-08-22T12:00:45+02:00", `want "2026-08-22T10:00:45Z"`},
		{"sequence not padded", "ce-sequence", "5", `want "0000000005"`},
		{"another schema", "ce-dataschema", "call.v1.json", "want \"https://raw"},
		{"another content type", "Content-Type", "text/json", `want "application/json"`},
	} {
		faults[tt.name] = one(set(last, tt.header, tt.value),
			atLast+"header "+tt.header+` is "`+tt.value+`", `+tt.want)
	}
	testFaults(t, faults)
}

func TestHeaderSet(t *testing.T) {
	t.Parallel()
	faults := map[string]fault{
		"a further attribute": one(set(last, "ce-partitionkey", "r2"),
			atLast+`header "ce-partitionkey" is none of an event's`),
		"upper case": one(set(last, "Ce-Time", "2026-08-22T10:00:45Z"),
			atLast+`header "Ce-Time" is none of an event's; they are lower case`),
		"two values": one(func(_ *testing.T, s *stream) {
			s.messages[last].Header["ce-type"] = []string{"syllable.channel.busy", "x"}
		}, atLast+"header ce-type has 2 values"),
		"both ids wrong": one(setID(last, "5"), atLast+"header ce-id is"),
	}
	for _, h := range []string{
		"ce-specversion", "ce-id", "ce-type", "ce-source", "ce-subject", "ce-time", "ce-sequence", "ce-dataschema",
		"Content-Type", "Nats-Msg-Id",
	} {
		faults["without "+h] = one(set(last, h, ""), atLast+"header "+h+" is missing")
	}
	testFaults(t, faults)
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	faults := map[string]fault{
		// Type and subject agree with each other, but not with the data.
		"another name": one(
			both(set(last, "ce-type", "syllable.channel.failed"), setSubject(last, "syllable.channel.failed.1.20260822%2E9")),
			atLast+`header ce-type is "syllable.channel.failed", want "syllable.channel.busy"`),
	}
	for name, subject := range map[string]string{
		"another status":     "syllable.channel.failed.1.20260822%2E9",
		"another kind":       "syllable.request.busy.1.20260822%2E9",
		"another batch":      "syllable.channel.busy.1.20260822%2E8",
		"batch not encoded":  "syllable.channel.busy.1.20260822.9",
		"another campaign":   "syllable.channel.busy.2.20260822%2E9",
		"campaign not known": "syllable.channel.busy._.20260822%2E9",
		"another prefix":     "other.channel.busy.1.20260822%2E9",
		"none":               "",
	} {
		faults[name] = one(setSubject(last, subject),
			atLast+`the subject is "`+subject+`", want syllable.channel.busy.1.20260822%2E9`)
	}
	testFaults(t, faults)
}
