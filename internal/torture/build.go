package torture

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

const command = "github.com/syllable-notifier/notifier/cmd/notifier"

// Build makes the command with build tags, in a folder, and returns its path. It
// works below the folder of the module.
func Build(ctx context.Context, dir string, tags ...string) (string, error) {
	bin := filepath.Join(dir, "notifier")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-tags", strings.Join(tags, ","), "-o", bin, command)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build with tags %v: %w\n%s", tags, err, out)
	}
	return bin, nil
}
