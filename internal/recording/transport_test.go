package recording_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/syllable-notifier/notifier/internal/recording"
)

func TestTransport(t *testing.T) {
	t.Parallel()
	large := strings.Repeat(" ", 33<<20) + "[]"
	bodies := map[string]string{"/list": `[{"target":"+12065550142"}]`, "/junk": "<html>", "/large": large, "/empty": ""}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, bodies[r.URL.Path])
	}))
	t.Cleanup(srv.Close)
	var file bytes.Buffer
	client := &http.Client{Transport: &recording.Transport{
		Next: http.DefaultTransport, Writer: recording.NewWriter(&file),
		Failed: func(err error) { t.Error(err) },
	}}
	for path, want := range bodies {
		resp, err := client.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes arrived of %d, error %v", path, len(got), len(want), err)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	all, err := recording.Read(&file)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Errorf("%d answers recorded, want 3: not the large one", len(all))
	}
	for _, e := range all {
		if strings.Contains(string(e.Body)+e.BodyText, "2065550142") {
			t.Errorf("the number is in the recording: %s", e.Body)
		}
	}
}
