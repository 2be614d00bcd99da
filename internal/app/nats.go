package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/syllable-notifier/notifier/event"
	"github.com/syllable-notifier/notifier/internal/natsd"
	"github.com/syllable-notifier/notifier/internal/publish"
	"github.com/syllable-notifier/notifier/internal/publish/slack"
	"github.com/syllable-notifier/notifier/internal/store"
)

// openNATS starts the embedded server, or connects to an external one. An
// external one that is down is no error: polling goes on, and events wait.
func (a *App) openNATS(ctx context.Context) error {
	if err := a.connect(ctx); err != nil {
		return err
	}
	a.onClose(a.conn.Close)
	js, err := jetstream.New(a.conn)
	if err != nil {
		return fmt.Errorf("jetstream: %w", err)
	}
	a.js = js
	return nil
}

func (a *App) connect(ctx context.Context) (err error) {
	options := []nats.Option{
		nats.Name("notifier"),
		// Nothing is kept for later while disconnected: the relay asks what
		// the stream holds before it sends again, and must not be overtaken.
		nats.ReconnectBufSize(-1),
	}
	if a.cfg.NATSURL != "" {
		a.conn, err = nats.Connect(a.cfg.NATSURL.Reveal(), append(options, a.external()...)...)
		if err != nil {
			return fmt.Errorf("NATS at %s: %w", a.cfg.NATSURL, err)
		}
		return nil
	}
	a.server, err = natsd.Start(ctx, natsd.Options{
		StoreDir: filepath.Join(a.cfg.DataDir, jetStreamDir),
		Listen:   a.cfg.NATSListen,
		MaxStore: a.cfg.NATSMaxStore,
		Token:    a.cfg.NATSToken.Reveal(),
		Log:      a.log,
	})
	if err != nil {
		return err
	}
	a.onClose(a.server.Stop)
	a.conn, err = a.server.Connect(options...)
	return err
}

func (a *App) buildRelay() error {
	progress, err := a.store.Progress()
	if err != nil {
		return err
	}
	retry := a.conn.StatusChanged(nats.CONNECTED)
	a.onClose(func() { a.conn.RemoveStatusListener(retry) })
	a.relay, err = publish.NewRelay(publish.RelayOptions{
		Outbox:  a.store,
		Store:   a.store.ID(),
		Former:  a.store.Former(),
		Known:   a.store.Known,
		Relayed: progress.Relayed,
		Note:    progress.Note,
		Wake:    a.store.Committed(),
		Stream:  publish.NewJetStream(a.js, a.prepareStream()),
		Retry:   retry,
		Prefix:  a.cfg.NATSSubjectPrefix,
		Damaged: damaged,
		Log:     a.log,
	})
	return err
}

// damaged says whether trying again is of no use.
func damaged(err error) bool { return errors.Is(err, store.ErrDamaged) }

// prepareStream returns what makes the stream ready, and then keeps for each of
// our own sinks where it starts, so that it misses nothing that is published
// afterwards. While that cannot be kept nothing is published; a sink that is
// ill, or whose consumer cannot be made, delays nobody.
func (a *App) prepareStream() func(context.Context) (jetstream.Stream, error) {
	maker := publish.NewStreamMaker(a.js, publish.StreamConfig{
		Name:     a.cfg.NATSStream,
		Prefix:   a.cfg.NATSSubjectPrefix,
		MaxAge:   a.cfg.Retention,
		Replicas: a.cfg.NATSReplicas,
		Owned:    a.server != nil,
	}, a.log)
	return func(ctx context.Context) (jetstream.Stream, error) {
		if err := a.connected(); err != nil {
			return nil, err
		}
		// On a full disk every batch leaves something behind in nats-server.
		if a.server != nil {
			if err := a.server.Healthy(); errors.Is(err, natsd.ErrDiskFull) {
				return nil, err
			}
		}
		s, err := maker.Ensure(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range a.deliveries {
			if err := d.Prepare(s); err != nil {
				return nil, err
			}
		}
		return s, nil
	}
}

// buildSinks makes the sinks that the configuration names.
func (a *App) buildSinks() error {
	if a.cfg.SlackToken == "" {
		return nil
	}
	sink, err := slack.New(slack.Config{
		Token:   a.cfg.SlackToken.Reveal(),
		Channel: a.cfg.SlackChannel,
		APIURL:  a.cfg.SlackAPIURL,
	})
	if err != nil {
		return err
	}
	a.slack = sink
	a.deliveries = append(a.deliveries, publish.NewDelivery(publish.DeliveryOptions{
		Sink:      sink,
		JetStream: a.js,
		Stream:    a.cfg.NATSStream,
		Store:     a.store.ID(),
		Former:    a.store.Former(),
		Kept:      a.store,
		Newest:    func() string { return a.relay.Newest() },
		Late:      func() []event.ID { return a.relay.Late() },
		Subject:   a.cfg.NATSSubjectPrefix + "." + event.InsightsCompleted + ".>",
		// One by one: people read the channel in the order of the stream.
		Concurrent: 1,
		Since:      a.cfg.SlackSince,
		Places:     a.store,
		Park: func(by, reason string, e event.Event) error {
			return a.store.Park(store.Parked{By: by, Reason: reason, At: time.Now().UTC(), Event: e})
		},
		Damaged: damaged,
		Log:     a.log,
	}))
	return nil
}
