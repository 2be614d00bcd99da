package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"
)

// withStream calls look with the stream of the daemon whose NATS server
// listens at addr. The daemon makes the stream soon after its start.
func withStream(ctx context.Context, addr string, look func(context.Context, jetstream.Stream) error) error {
	nc, err := nats.Connect("nats://"+addr, nats.MaxReconnects(0))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	var s jetstream.Stream
	err = until(ctx, func(ctx context.Context) (done bool, err error) {
		s, err = js.Stream(ctx, "SYLLABLE")
		return !errors.Is(err, jetstream.ErrStreamNotFound), err
	})
	if err != nil {
		return err
	}
	return look(ctx, s)
}

// waitEvents waits until the stream holds so many events of calls; those of
// batches and of the source depend on how long the script takes.
func waitEvents(ts *testscript.TestScript, args []string) error {
	number, orMore := strings.CutSuffix(args[0], "+")
	want, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return err
	}
	return withStream(sceneOf(ts).tb.Context(), args[1], func(ctx context.Context, s jetstream.Stream) error {
		return until(ctx, func(ctx context.Context) (bool, error) {
			held, err := callEvents(ctx, s)
			if err != nil {
				return true, err
			}
			if held == want || held > want && orMore {
				return true, nil
			}
			return held > want, fmt.Errorf("the stream holds %d events of calls, want %s", held, args[0])
		})
	})
}

func callEvents(ctx context.Context, s jetstream.Stream) (n uint64, err error) {
	info, err := s.Info(ctx, jetstream.WithSubjectFilter("syllable.>"))
	if err != nil {
		return 0, err
	}
	for subject, held := range info.State.Subjects {
		if ofCall(subject) {
			n += held
		}
	}
	return n, nil
}

func ofCall(subject string) bool {
	return !strings.HasPrefix(subject, "syllable.batch.") && !strings.HasPrefix(subject, "syllable.source.")
}

// printEvent prints the nth event of a call.
func printEvent(ts *testscript.TestScript, args []string) error {
	nth, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	return withStream(sceneOf(ts).tb.Context(), args[1], func(ctx context.Context, s jetstream.Stream) error {
		for seq := uint64(1); ; seq++ {
			m, err := s.GetMsg(ctx, seq)
			if err != nil {
				return err
			}
			if !ofCall(m.Subject) {
				continue
			}
			if nth--; nth == 0 {
				fmt.Fprintf(ts.Stdout(), "%s\n%s\n", m.Subject, m.Data)
				return nil
			}
		}
	})
}

// deleteMessage takes a message out of the stream.
func deleteMessage(ts *testscript.TestScript, args []string) error {
	seq, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return err
	}
	return withStream(sceneOf(ts).tb.Context(), args[1], func(ctx context.Context, s jetstream.Stream) error {
		return s.DeleteMsg(ctx, seq)
	})
}
