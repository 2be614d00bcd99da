package ops

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
)

// tokenMode is for what must be as closed as the state is.
const tokenMode = 0o600

// MakeToken makes a token for the private paths and keeps it in a file that only
// this user may read, in the place of one that a crash left. The folder must be
// the caller's own while it does so.
func MakeToken(path string) (string, error) {
	token := strings.ToLower(rand.Text())
	tmp := path + ".tmp"
	// A reader sees the file whole or not at all, and it never has another mode.
	_ = os.Remove(tmp)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, tokenMode)
	if err != nil {
		return "", fmt.Errorf("token of the HTTP server: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err = errors.Join(err, f.Chmod(tokenMode), f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return "", fmt.Errorf("token of the HTTP server: %w", err)
	}
	return token, nil
}

// ReadToken returns the token of the daemon whose MakeToken has that path, "" if
// none runs.
func ReadToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("token of the HTTP server (this must run as the daemon's user): %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
