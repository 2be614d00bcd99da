package publish

import "testing"

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		subject, prefix string
		want            bool
	}{
		{">", "a.b", true}, {"a.>", "a.b", true}, {"a.b.>", "a.b", true}, {"*.>", "a.b", true}, {"a.*.>", "a.b", true},
		{"a", "a", false}, {"a.*", "a", false}, {"a.b.>", "a", false}, {"b.>", "a", false}, {"a.b.c.>", "a.b", false},
		// What is published has four tokens behind the prefix.
		{"a.*.*.*.*", "a", true}, {"a.b.*.*.*.*", "a.b", true}, {"*.*.*.*.*", "a", true}, {"a.*.*.*.>", "a", true},
		{"a.*.*.*", "a", false}, {"a.*.*.*.*.*", "a", false}, {"a.*.*.*.*.>", "a", false},
		{"a.*.*.*.*", "a.b", false}, {"a.request.*.*.*", "a", false}, {"a.*.*.*.1", "a", false},
	} {
		if got := covers(tt.subject, tt.prefix); got != tt.want {
			t.Errorf("covers(%q, %q) = %v", tt.subject, tt.prefix, got)
		}
	}
}
