package simulator

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseFault(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"500":                                   "500",
		"500:10%":                               "500:10%",
		"500:100%":                              "500",
		"500:0.5%@results":                      "500:0.5%@results",
		"html@/batches/20260822.9":              "html@/batches/20260822.9",
		"429=7":                                 "429=7",
		"429=-7":                                "429=-7",
		"429=date:50%":                          "429=date:50%",
		"503=huge":                              "503=huge",
		"truncate=length":                       "truncate=length",
		"dupkey=case":                           "dupkey=case",
		"unknown-status=ON HOLD":                "unknown-status=ON HOLD",
		"skew=-90m":                             "skew=-90m",
		"slow=1.5s":                             "slow=1.5s",
		"huge=1":                                "huge=1",
		"redirect=example.com:90:10%":           "redirect=example.com:90:10%",
		"redirect=https://example.com/@batches": "redirect=https://example.com/@batches",
	} {
		f, err := parseFault(spec)
		if err != nil {
			t.Errorf("%s: %v", spec, err)
		} else if got := f.String(); got != want {
			t.Errorf("%s is read as %s, want %s", spec, got, want)
		}
	}
}

func TestParseFaultRefuses(t *testing.T) {
	t.Parallel()
	for spec, contains := range map[string]string{
		"":                    "there is no such kind; there are 401, 403,",
		"501":                 "there is no such kind",
		"500:10":              "there is no such kind",
		"500:0%":              "share",
		"500:101%":            "share",
		"500:1.2.3%":          "share",
		"500@":                "path",
		"500=1":               "500 takes no argument",
		"429=":                "SECONDS|date|past|junk|huge|none",
		"429=soon":            "SECONDS|date|past|junk|huge|none",
		"truncate=half":       "length|plain",
		"dupkey=x":            "case",
		"skew=5":              "DURATION",
		"slow=-1s":            "DURATION",
		"huge=0":              "MIB",
		"huge=99999999":       "MIB",
		"redirect=http://":    "HOST[:PORT]",
		"redirect=a.com/path": "HOST[:PORT]",
	} {
		_, err := parseFault(spec)
		if err == nil || !strings.Contains(err.Error(), contains) {
			t.Errorf("%q: %v, want an error with %q", spec, err, contains)
		}
	}
}

// FaultHelp names every kind, each in a line of its own.
func TestFaultHelp(t *testing.T) {
	t.Parallel()
	help := FaultHelp()
	for _, k := range faultKinds() {
		if strings.Count(help, "\n  "+k.name+" ") != 1 || k.help == "" {
			t.Errorf("%s is not explained in a line", k.name)
		}
	}
}

// What is written is read as what it was.
func TestFaultsAreWrittenAsTheyAreRead(t *testing.T) {
	t.Parallel()
	arguments := map[string]string{"429": "7", "503": "date", "skew": "3h", "slow": "2s", "huge": "3", "truncate": "plain"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(kindNames()).Draw(t, "kind")
		spec := name
		if a := arguments[name]; a != "" && rapid.Bool().Draw(t, "argument") {
			spec += "=" + a
		}
		spec += ":" + rapid.StringMatching(`[1-9][0-9]?(\.[1-9])?`).Draw(t, "share") + "%"
		spec += "@" + rapid.StringMatching(`[a-z/@:%=.]{1,12}`).Draw(t, "path")
		f, err := parseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.String(); got != spec {
			t.Fatalf("%s is read as %s", spec, got)
		}
	})
}

func FuzzParseFault(f *testing.F) {
	for _, seed := range []string{"500:10%@results", "redirect=http://a:1", "429=huge", "=:%@", "slow=1s:0%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		one, err := parseFault(spec)
		if err != nil {
			return
		}
		again, err := parseFault(one.String())
		if err != nil || again.String() != one.String() {
			t.Errorf("%q is %q, and that %v, %v", spec, one, again, err)
		}
	})
}
