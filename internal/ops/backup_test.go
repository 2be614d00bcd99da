package ops_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/ops"
	"github.com/syllable-notifier/notifier/internal/store"
)

const backupPath = "/api/v1/backup"

// giving returns a Backup that gives this text as a copy of that size.
func giving(text string, size int) func(context.Context) (io.ReadCloser, int64, error) {
	return func(context.Context) (io.ReadCloser, int64, error) {
		return io.NopCloser(strings.NewReader(text)), int64(size), nil
	}
}

// A private path asks for a token also where the others do not.
func TestPrivatePath(t *testing.T) {
	t.Parallel()
	const text = "the whole state"
	backup := giving(text, len(text))
	for name, tt := range map[string]struct {
		o     ops.Options
		token string // that it takes; "" for none
	}{
		"a token of its own": {ops.Options{PrivateToken: "made"}, "made"},
		"the token of all":   {ops.Options{Token: "set", PrivateToken: "made"}, "set"},
		"no token at all":    {ops.Options{}, ""},
	} {
		tt.o.Backup = backup
		url := serve(t, tt.o) + backupPath
		for _, token := range []string{"", "Bearer", "Bearer ", "Bearer made", "Bearer set", "Basic made", "Bearer made2"} {
			want := http.StatusUnauthorized
			if tt.token != "" && token == "Bearer "+tt.token {
				want = http.StatusOK
			}
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				got := request(t, method, url, authorization(token))
				if got.Code != want || (got.Header.Get("WWW-Authenticate") == "") != (want == http.StatusOK) {
					t.Errorf("%s: %s with %q: got %d, want %d", name, method, token, got.Code, want)
				}
				if is := strings.Contains(got.Body, text); is != (want == http.StatusOK && method == http.MethodGet) {
					t.Errorf("%s: %s with %q: got %q", name, method, token, got.Body)
				}
			}
		}
	}
	url := serve(t, ops.Options{PrivateToken: "made", Backup: backup}) + backupPath
	got := request(t, http.MethodGet, url, authorization("Bearer made"))
	if got.Header.Get("Content-Length") != strconv.Itoa(len(text)) || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", got.Header)
	}
	if got := request(t, http.MethodPost, url, authorization("Bearer made")); got.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d", got.Code)
	}
	if got := request(t, http.MethodGet, url, authorization("Bearer made"), host("attacker.example")); got.Code != 421 {
		t.Errorf("another host: got %d", got.Code)
	}
}

func backupFrom(t *testing.T, addr, token string) (string, error) {
	t.Helper()
	c, err := ops.NewClient(addr, token)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	err = c.Backup(t.Context(), &b)
	return b.String(), err
}

func TestClientBackup(t *testing.T) {
	t.Parallel()
	addr := func(o ops.Options) string { return strings.TrimPrefix(serve(t, o), "http://") }
	large := strings.Repeat("0123456789", 100_000)
	o := ops.Options{PrivateToken: "made", Backup: giving(large, len(large))}
	if got, err := backupFrom(t, addr(o), "made"); err != nil || got != large {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
	for name, tt := range map[string]struct{ addr, want string }{
		"cut off": {addr(ops.Options{
			PrivateToken: "made", Backup: giving(large[:400_000], len(large)),
		}), "unexpected EOF"},
		"no copy": {addr(ops.Options{
			PrivateToken: "made",
			Backup:       func(context.Context) (io.ReadCloser, int64, error) { return nil, 0, errors.New("canary-4711") },
		}), "its log says why"},
		"another's token":  {addr(ops.Options{PrivateToken: "other", Backup: giving("", 0)}), "NOTIFIER_DATA_DIR to its"},
		"an older version": {addr(ops.Options{PrivateToken: "made"}), "an older version"},
	} {
		_, err := backupFrom(t, tt.addr, "made")
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: error %v, want it to say %q", name, err, tt.want)
		}
		if errors.Is(err, ops.ErrNoDaemon) {
			t.Errorf("%s: error %v says that there is no daemon", name, err)
		}
	}
	if _, err := backupFrom(t, "127.0.0.1:1", "made"); !errors.Is(err, ops.ErrNoDaemon) {
		t.Errorf("error %v, want that no daemon answers", err)
	}
}

// Who takes a copy slowly holds neither a transaction nor the commits: thousands
// of them go on, and the file does not grow.
func TestFault30SlowClient(t *testing.T) {
	t.Parallel()
	const commits = 1500
	path := filepath.Join(t.TempDir(), "notifier.db")
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	const large = 40 << 20 // more than a connection takes while its client does not read
	if err := s.PutPlace("slack", make([]byte, large)); err != nil {
		t.Fatal(err)
	}
	commit := func(size uint64) {
		err := s.Update("b", func(tx *store.Tx) error { return tx.PutCall("r", store.Call{Size: size}) })
		if err != nil {
			t.Fatal(err)
		}
	}
	commit(0)
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	url := serve(t, ops.Options{PrivateToken: "made", Backup: func(context.Context) (io.ReadCloser, int64, error) {
		c, err := s.Copy()
		return c, c.Size, err
	}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+backupPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer made")
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	res, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	some, read := make([]byte, 64<<10), 0
	for n := range uint64(commits) {
		if n%20 == 0 {
			m, err := io.ReadFull(res.Body, some)
			if err != nil {
				t.Fatal(err)
			}
			read += m
		}
		commit(n)
	}
	if got := request(t, http.MethodGet, url+backupPath, authorization("Bearer made")); got.Code != http.StatusConflict {
		t.Errorf("another one meanwhile: got %d, want %d", got.Code, http.StatusConflict)
	}
	grown := size() - before
	t.Logf("the file of %d bytes grew by %d over %d commits, while %d bytes of the copy were read",
		before, grown, commits, read)
	if grown > 1<<20 {
		t.Errorf("the file grew by %d bytes", grown)
	}
	if n, err := io.Copy(io.Discard, res.Body); err != nil || n+int64(read) < large {
		t.Errorf("%d bytes after it, error %v", n, err)
	}
}

func TestTokenFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "http.token")
	if token, err := ops.ReadToken(path); token != "" || err != nil {
		t.Errorf("token %q, error %v before there is one", token, err)
	}
	// What a crash left, with another mode.
	for _, name := range []string{path, path + ".tmp"} {
		if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	token, err := ops.MakeToken(path)
	if err != nil || len(token) < 20 {
		t.Fatalf("token %q, error %v", token, err)
	}
	if read, err := ops.ReadToken(path); read != token || err != nil {
		t.Errorf("read %q, made %q, error %v", read, token, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	again, err := ops.MakeToken(path)
	if err != nil || again == token {
		t.Errorf("the next start has %q again, error %v", again, err)
	}
	if all, _ := os.ReadDir(filepath.Dir(path)); len(all) != 1 {
		t.Errorf("%d files are left", len(all))
	}
}
