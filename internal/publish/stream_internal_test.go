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
	} {
		if got := covers(tt.subject, tt.prefix); got != tt.want {
			t.Errorf("covers(%q, %q) = %v", tt.subject, tt.prefix, got)
		}
	}
}
