//go:build !crashpoints || !unix

package crashpoint_test

import (
	"testing"

	"github.com/syllable-notifier/notifier/internal/crashpoint"
)

// The build that users get does not look at the variable.
func TestNothingHappens(t *testing.T) {
	for _, p := range crashpoint.All {
		t.Setenv("CRASHPOINT", string(p)+":1")
		crashpoint.Here(p)
	}
}
