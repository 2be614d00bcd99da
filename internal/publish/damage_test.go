package publish_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/internal/publish"
)

// A state that is found damaged ends the relay, wherever it shows.
func TestRelayEndsWhenTheStateIsDamaged(t *testing.T) {
	t.Parallel()
	js := connect(t)
	large := `{"x":"` + strings.Repeat("x", int(js.Conn().MaxPayload())) + `"}`
	for name, tt := range map[string]struct {
		op     string
		after  int // how many of these go well
		result string
	}{
		"the first place":  {"relayed", 0, `{}`},
		"after publishing": {"relayed", 1, `{}`},
		"while parking":    {"park", 0, large},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, n := newOutbox(), 0
			o.add(newEvent(t, "ref-1", 1, tt.result))
			o.fail = func(op string) error {
				if op != tt.op {
					return nil
				}
				if n++; n <= tt.after {
					return nil
				}
				return fmt.Errorf("outbox: %w", errDamaged)
			}
			mustEndDamaged(t, newRelay(t, js, o, streamConfig()))
		})
	}
	t.Run("where a sink starts", func(t *testing.T) {
		t.Parallel()
		o := newOutbox()
		r, err := publish.NewRelay(publish.RelayOptions{
			Outbox: o, Store: storeID, Wake: o.wake, Prefix: prefix, Damaged: isDamaged, Log: quiet,
			Stream: publish.NewJetStream(js, func(context.Context) (jetstream.Stream, error) { return nil, errDamaged }),
		})
		if err != nil {
			t.Fatal(err)
		}
		mustEndDamaged(t, r)
	})
}

func mustEndDamaged(t *testing.T, r *publish.Relay) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	if err := r.Run(ctx, ctx); !errors.Is(err, errDamaged) || ctx.Err() != nil {
		t.Errorf("error %v, want that the state is damaged", err)
	}
}

// A state that cannot be written for a while, as on a full disk, is tried again.
func TestRelayGoesOnAfterAFullDisk(t *testing.T) {
	t.Parallel()
	js := connect(t)
	o, n := newOutbox(), 0
	all := events(t, 3)
	o.add(all...)
	o.fail = func(string) error {
		if n++; n == 2 {
			return errors.New("no space left on device")
		}
		return nil
	}
	drain(t, newRelay(t, js, o, streamConfig()))
	if d := cmp.Diff(idsOf(all), ids(t, js)); d != "" || o.size() != 0 {
		t.Errorf("%d wait; stream (-want +got):\n%s", o.size(), d)
	}
}
