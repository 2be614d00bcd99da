package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syllable-notifier/notifier/internal/config"
	"github.com/syllable-notifier/notifier/internal/store"
)

// keptState counts what it is asked for, and answers with errors.
type keptState struct {
	looks, compactions int
	lookErr, fullErr   error
}

func (k *keptState) CheckIdentity() error {
	k.looks++
	return k.lookErr
}

func (k *keptState) CompactIfNeeded() (store.Compaction, error) {
	k.compactions++
	return store.Compaction{}, k.fullErr
}

func TestKeepState(t *testing.T) {
	t.Parallel()
	damage := errors.Join(store.ErrDamaged)
	for name, tt := range map[string]struct {
		st     keptState
		looks  int
		warns  int
		passed bool // the daemon goes on
	}{
		"all is well":     {keptState{}, 3 * 360, 0, true},
		"no permission":   {keptState{lookErr: os.ErrPermission}, 3 * 360, 0, true},
		"the disk full":   {keptState{fullErr: errors.New("no space")}, 3 * 360, 3, true},
		"it was removed":  {keptState{lookErr: damage}, 1, 0, false},
		"it is destroyed": {keptState{fullErr: damage}, 360, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				a := &App{log: slog.New(slog.NewTextHandler(&log, nil)), fatal: make(chan error, 1)}
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour+time.Second)
				defer cancel()
				a.keepState(ctx, &tt.st)
				// At a full hour both are due, in any order.
				if d := tt.looks - tt.st.looks; d < 0 || d > 1 {
					t.Errorf("%d looks, want %d", tt.st.looks, tt.looks)
				}
				if n := strings.Count(log.String(), "level=WARN"); n != tt.warns {
					t.Errorf("%d warnings, want %d:\n%s", n, tt.warns, log.String())
				}
				select {
				case err := <-a.fatal:
					if tt.passed {
						t.Errorf("the daemon ends: %v", err)
					}
				default:
					if !tt.passed {
						t.Error("the daemon goes on")
					}
				}
			})
		})
	}
}

// A data folder in which others may remove the state is told of; what is merely
// listed by others, or shared as /tmp is, is not.
func TestFault58FolderOfOthers(t *testing.T) {
	t.Parallel()
	if os.PathSeparator != '/' {
		t.Skip("there are no such modes")
	}
	for mode, warns := range map[os.FileMode]bool{
		0o700: false, 0o755: false, 0o770: true, 0o757: true, 0o777 | os.ModeSticky: false,
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		a := &App{log: slog.New(slog.NewTextHandler(&log, nil)), cfg: config.Config{DataDir: dir}}
		if err := a.openStore(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.Close()
		if is := strings.Contains(log.String(), "chmod 700"); is != warns {
			t.Errorf("mode %v: the log says %q", mode, log.String())
		}
		if info, err := os.Stat(dir); err != nil || info.Mode()&^os.ModeDir != mode {
			t.Errorf("mode %v became %v, error %v", mode, info.Mode(), err)
		}
	}
}
