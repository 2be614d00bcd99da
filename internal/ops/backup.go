package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// pathBackup gives a copy of the state. It is private: the state has phone
// numbers.
const pathBackup = "/api/v1/backup"

func isPrivate(path string) bool { return path == pathBackup }

// backupChunk is what a client must take within writeTimeout, in bytes.
const backupChunk = 256 << 10

// stallTimeout is for how long a client waits for more of a copy. Its beginning
// comes when the daemon has all of it.
const stallTimeout = 5 * time.Minute

// getBackup gives a copy to one client at a time, since each takes as much of the
// disk as the state.
func (h *handler) getBackup(w http.ResponseWriter, r *http.Request) {
	if !h.copying.TryLock() {
		http.Error(w, "a copy is being given to somebody else", http.StatusConflict)
		return
	}
	defer h.copying.Unlock()
	out := http.NewResponseController(w)
	// To copy may take longer than the server gives a request to arrive, after
	// which it would take the client for gone.
	_ = out.SetReadDeadline(time.Time{})
	c, size, err := h.backup(r.Context())
	if err != nil {
		http.Error(w, "the state could not be copied; the log says why", http.StatusInternalServerError)
		return
	}
	defer func() { _ = c.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if r.Method == http.MethodHead {
		return
	}
	for left := size; left > 0 && r.Context().Err() == nil; left -= backupChunk {
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout))
		// An answer that ends early is one that the client does not believe.
		if _, err := io.CopyN(w, c, min(left, backupChunk)); err != nil {
			return
		}
	}
}

// Backup writes a copy of the daemon's state to w, as it is when it was asked for.
// An error may come after a part was written.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := time.AfterFunc(stallTimeout, func() {
		cancel(fmt.Errorf("nothing came for %s", stallTimeout))
	})
	defer stall.Stop()
	resp, err := c.ask(ctx, pathBackup, "")
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	defer func() { _ = resp.Body.Close() }()
	if err := refused(resp.StatusCode, pathBackup); err != nil {
		return err
	}
	_, err = io.Copy(writerFunc(func(p []byte) (int, error) {
		stall.Reset(stallTimeout)
		return w.Write(p)
	}), resp.Body)
	if err != nil {
		return fmt.Errorf("the daemon's copy: %w", errors.Join(err, context.Cause(ctx)))
	}
	return nil
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
