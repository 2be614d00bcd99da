package recording_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
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

// A body that the network cut is recorded as such and cut again when it is
// played; one that we gave up is not recorded.
func TestTransportOfCutBodies(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `[{"reference_id":"1"},`)
		_ = http.NewResponseController(w).Flush()
		if r.URL.Path == "/cut" {
			panic(http.ErrAbortHandler)
		}
		<-hold
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hold) })
	var file bytes.Buffer
	next := &http.Transport{}
	t.Cleanup(next.CloseIdleConnections)
	client := &http.Client{Transport: &recording.Transport{
		Next: next, Writer: recording.NewWriter(&file), Failed: func(err error) { t.Error(err) },
	}}
	get := func(ctx context.Context, url string) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_, err = io.ReadFull(resp.Body, make([]byte, 22))
		if err != nil {
			return err
		}
		if ctx, ok := ctx.(*giveUp); ok {
			ctx.cancel()
		}
		_, err = io.ReadAll(resp.Body)
		return err
	}
	if err := get(t.Context(), srv.URL+"/cut"); err == nil {
		t.Fatal("the body was whole")
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := get(&giveUp{ctx, cancel}, srv.URL+"/given-up"); err == nil {
		t.Fatal("the body was whole")
	}
	// Nor one that was not read on after its time was over.
	ctx, cancel = context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/given-up", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadFull(resp.Body, make([]byte, 22))
	cancel()
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	all, err := recording.Read(&file)
	if err != nil || len(all) != 1 || !all[0].Cut || all[0].Path != "/cut" {
		t.Fatalf("recorded %+v, error %v: want the cut one alone", all, err)
	}
	all[0].Header["Content-Length"] = strconv.Itoa(len(all[0].BodyText)) // by hand
	played := httptest.NewServer(recording.NewPlayer(all))
	t.Cleanup(played.Close)
	if err := get(t.Context(), played.URL+"/cut"); err == nil {
		t.Error("it is whole when it is played")
	}
}

// giveUp is a context that its user ends.
type giveUp struct {
	context.Context
	cancel context.CancelFunc
}
