package app_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/app"
	"github.com/syllable-notifier/notifier/internal/recording"
)

// A recording that was there before is closed to others, and goes on.
func TestRecordingGoesOn(t *testing.T) {
	t.Parallel()
	_, url := newPlatform(t, 1)
	c := settings(t, url)
	c.Recording = filepath.Join(t.TempDir(), "recording.jsonl")
	before := `{"time":"2026-08-22T10:00:15Z","method":"GET","path":"/before","status":200}` + "\n"
	if err := os.WriteFile(c.Recording, []byte(before), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(c.Recording, 0o644); err != nil {
		t.Fatal(err)
	}
	_, stop := begin(t, c)
	eventually(t, "an answer is recorded", func() bool {
		info, err := os.Stat(c.Recording)
		return err == nil && info.Size() > int64(len(before))
	})
	stop()
	if info, err := os.Stat(c.Recording); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v, want 0600", info.Mode(), err)
	}
	file, err := os.Open(c.Recording)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, err := recording.Read(file)
	if err != nil || len(all) < 2 || all[0].Path != "/before" {
		t.Errorf("%d answers, error %v, want the old one first", len(all), err)
	}
}

// A recording that cannot be opened is a mistake of the settings.
func TestRecordingThatIsNoFile(t *testing.T) {
	t.Parallel()
	_, url := newPlatform(t, 1)
	c := settings(t, url)
	c.Recording = t.TempDir()
	_, err := app.New(t.Context(), c, "test", quiet)
	if err == nil || !strings.Contains(err.Error(), "NOTIFIER_RECORDING") {
		t.Errorf("error %v, want one that names NOTIFIER_RECORDING", err)
	}
}
