package app_test

import (
	"io"
	"log/slog"
	"testing"

	"github.com/syllable-notifier/notifier/internal/natsd"
)

// external starts a server that the daemon does not own, and returns its URL.
func external(t *testing.T, o natsd.Options) string {
	t.Helper()
	o.StoreDir, o.Listen, o.Log = t.TempDir(), "127.0.0.1:0", quiet
	s, err := natsd.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return "nats://" + s.Addr()
}

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
