package torture

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

const command = "github.com/syllable-notifier/notifier/cmd/notifier"

// Build makes the command at a path, with build tags. It works below the folder of
// the module.
func Build(ctx context.Context, path string, tags ...string) error {
	//nolint:gosec // the tags and the path are those of a test
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags", strings.Join(tags, ","), "-o", path,
		command)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build with tags %v: %w\n%s", tags, err, out)
	}
	return nil
}
