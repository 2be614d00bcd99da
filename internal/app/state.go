package app

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/store"
)

// tokenFile has the token of the private paths of the HTTP side, in the data
// folder.
const tokenFile = "http.token"

const (
	// lookInterval is how often the state file is looked at. What is removed and
	// not noticed before a kill is lost.
	lookInterval = 10 * time.Second
	// compactInterval is how often free pages of the state are given back, if
	// they have piled up.
	compactInterval = time.Hour
)

// StatePath and TokenPath return where a daemon with that data folder keeps its
// state and its token, for commands that work on them.
func StatePath(dataDir string) string { return filepath.Join(dataDir, stateFile) }

// TokenPath is described with StatePath.
func TokenPath(dataDir string) string { return filepath.Join(dataDir, tokenFile) }

// openStore comes first: its lock also guards the embedded server's folder.
func (a *App) openStore(context.Context) error {
	st, err := store.Open(StatePath(a.cfg.DataDir))
	if err != nil {
		return err
	}
	a.store = st
	a.onClose(func() {
		if err := st.Close(); err != nil {
			a.log.Error("the state did not close cleanly", "error", err)
		}
	})
	a.warnOfFolder()
	return a.compact(st)
}

// warnOfFolder tells of a data folder in which others may remove the state, or put
// another in its place. What others may only list is closed to them in itself, and
// a folder that was there may be shared on purpose: its mode is left alone.
func (a *App) warnOfFolder() {
	info, err := os.Stat(a.cfg.DataDir)
	if err != nil || runtime.GOOS == "windows" || info.Mode()&os.ModeSticky != 0 {
		return
	}
	if info.Mode().Perm()&0o022 != 0 {
		a.log.Warn("other users may remove the state, or put another in its place: close the data folder with chmod 700",
			"dir", a.cfg.DataDir)
	}
}

// stateKeeper is what the state file needs while the daemon runs.
type stateKeeper interface {
	CheckIdentity() error
	CompactIfNeeded() (store.Compaction, error)
}

// keepState looks after the state file until ctx ends.
func (a *App) keepState(ctx context.Context, st stateKeeper) {
	look, compact := time.NewTicker(lookInterval), time.NewTicker(compactInterval)
	defer look.Stop()
	defer compact.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			err = st.CheckIdentity()
		case <-compact.C:
			err = a.compact(st)
		}
		// Another error, such as of permissions, the next commit meets and tells.
		if damaged(a.guarded(err)) {
			return
		}
	}
}

// compact gives free pages back. That it does not work, as on a disk that is
// full, is no reason to stop.
func (a *App) compact(st stateKeeper) error {
	done, err := st.CompactIfNeeded()
	switch {
	case damaged(err):
		return err
	case err != nil:
		a.log.Warn("free space in the state file could not be given back; it is used again, and tried again in an hour",
			"error", err)
	case done.Before > 0:
		a.log.Info("free space in the state file was given back", "bytes_before", done.Before, "bytes_after", done.After)
	}
	return nil
}

// backup gives a copy of the state to the HTTP side.
func (a *App) backup(context.Context) (io.ReadCloser, int64, error) {
	c, err := a.store.Copy()
	if err != nil {
		a.log.Error("a backup was asked for, and the state could not be copied", "error", a.guarded(err))
		return nil, 0, err
	}
	return c, c.Size, nil
}

// makeToken makes the token of the private paths, unless the settings have one.
func (a *App) makeToken() error {
	if a.cfg.HTTPToken != "" {
		return nil
	}
	path := TokenPath(a.cfg.DataDir)
	token, err := ops.MakeToken(path)
	if err != nil {
		return err
	}
	a.privateToken = token
	a.onClose(func() { _ = os.Remove(path) })
	return nil
}
