package event_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/syllable-notifier/notifier/event"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind   event.Kind
		status *string
		want   string
	}{
		{event.KindRequest, ptr("FAILED"), "request.failed"},
		{event.KindInsights, ptr("COMPLETED"), event.InsightsCompleted},
		{event.KindChannel, ptr("NO-ANSWER"), "channel.no_answer"},
		{event.KindChannel, ptr("NO_OUTCOME"), "channel.no_outcome"},
		{event.KindChannel, ptr("IN-PROGRESS"), "channel.in_progress"},
		{event.KindChannel, ptr("SIP_NOT_FOUND"), "channel.sip_not_found"},
		{event.KindChannel, ptr("SIP_DOES_NOT_EXIST_ANYWHERE"), "channel.sip_does_not_exist_anywhere"},
		{event.KindChannel, nil, "channel.none"},
		{event.KindInsights, nil, "insights.none"},
		// Never heard of: a name all the same.
		{event.KindRequest, ptr("Quarantined (v2)"), "request.quarantined_v2"},
		{event.KindRequest, ptr("  --A--.--b*>\r\n"), "request.a_b"},
		{event.KindRequest, ptr("404"), "request.404"},
		{event.KindRequest, ptr("Réessayé"), "request.r_essay"},
		{event.KindRequest, ptr("échoué!"), "request.chou"},
		{event.KindRequest, ptr("a\xffb"), "request.a_b"},
		// Upper case of another script that has its lower case in a-z.
		{event.KindRequest, ptr("\u212aELVIN"), "request.kelvin"},
		// Nothing of a-z and 0-9 in it.
		{event.KindRequest, ptr(""), "request.unnamed"},
		{event.KindRequest, ptr("完了"), "request.unnamed"},
		{event.KindRequest, ptr("\xff\xfe"), "request.unnamed"},
		{event.KindRequest, ptr("__"), "request.unnamed"},
	} {
		if got := event.Name(tt.kind, tt.status); got != tt.want {
			t.Errorf("Name(%s, %v) = %q, want %q", tt.kind, tt.status, got, tt.want)
		}
	}
}

func TestNameIsTotal(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^channel\.[a-z0-9]+(_[a-z0-9]+)*$`)
	rapid.Check(t, func(t *rapid.T) {
		s := anyBytes().Draw(t, "status")
		if got := event.Name(event.KindChannel, &s); !form.MatchString(got) {
			t.Fatalf("Name(%q) = %q", s, got)
		}
	})
}
