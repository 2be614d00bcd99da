package store

import (
	"bytes"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// storedEvent is an event's envelope in the outbox; the data follow it, so
// that they stay byte for byte.
type storedEvent struct {
	ID         event.ID  `json:"id"`
	Name       string    `json:"name"`
	Source     string    `json:"source"`
	CampaignID *int64    `json:"campaign_id,omitempty"`
	Time       time.Time `json:"time"`
}

func encodeEvent(e event.Event) []byte {
	b, err := encodeHead(storedEvent{
		ID: e.ID, Name: e.Name, Source: e.Source, CampaignID: e.CampaignID, Time: e.Time,
	}, e.Data)
	if err != nil {
		panic(err) // strings, numbers and a time between years 0 and 9999
	}
	return b
}

func decodeEvent(b []byte) (event.Event, error) {
	var s storedEvent
	data, err := decodeHead(b, &s)
	if err != nil {
		return event.Event{}, err
	}
	return event.Event{
		ID: s.ID, Name: s.Name, Source: s.Source, CampaignID: s.CampaignID, Time: s.Time, Data: bytes.Clone(data),
	}, nil
}
