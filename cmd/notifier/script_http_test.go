package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// lookAgain is the time between two looks at what cannot tell that it changed.
const lookAgain = 20 * time.Millisecond

// until looks again and again, until look says that it is done: its error then
// counts. Before, it says what is being waited for.
func until(ctx context.Context, look func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		done, err := look(ctx)
		if done {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("not yet after %s: %w", patience, err)
		}
	}
}

func get(ctx context.Context, url string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	// A connection of its own: none is left over when the test ends.
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func getOnce(ts *testscript.TestScript, args []string) error {
	code, body, err := get(sceneOf(ts).tb.Context(), args[1])
	if err != nil {
		return err
	}
	fmt.Fprint(ts.Stdout(), body)
	if strconv.Itoa(code) != args[0] {
		return fmt.Errorf("%s answered %d, want %s", args[1], code, args[0])
	}
	return nil
}

func getUntil(ts *testscript.TestScript, args []string) error {
	return until(sceneOf(ts).tb.Context(), func(ctx context.Context) (bool, error) {
		code, body, err := get(ctx, args[1])
		if err != nil {
			return false, err
		}
		if strconv.Itoa(code) != args[0] {
			return false, fmt.Errorf("%s answered %d, want %s: %s", args[1], code, args[0], body)
		}
		fmt.Fprint(ts.Stdout(), body)
		return true, nil
	})
}
