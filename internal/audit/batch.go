package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/syllable-notifier/notifier/event"
)

// batch is what is kept of the events of a batch itself, and in sum of those of
// its calls.
type batch struct {
	revision  uint64
	status    *string // nil: not told
	completed bool    // by the newest batch.completed, and not reopened

	events      uint64 // of its calls
	first, last time.Time
}

// told takes in an event of a call.
func (b *batch) told(a *Auditor, until time.Time) {
	if b.completed {
		a.problem("it comes after %s without %s before it", event.BatchCompleted, event.BatchReopened)
		b.completed = false // once is enough
	}
	if b.events++; b.events == 1 {
		b.first = until
	}
	b.last = until
}

func (b *batch) add(a *Auditor, id event.ID, subject string, header map[string][]string, data []byte) {
	var d event.Batch
	_, err := object(data, "", "batch_id", "campaign_id", "revision", "observed", "batch")
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err == nil && (d.BatchID != id.Batch || d.Revision != id.Revision) {
		err = fmt.Errorf("it is of batch %s, revision %d", quote(d.BatchID), d.Revision)
	}
	if err != nil {
		a.problem("the data cannot be read: %v", err)
		b.revision = max(b.revision, id.Revision)
		return
	}
	name := batchName(d, strings.TrimPrefix(first(header, event.HeaderType), a.prefix+"."))
	if name == "" {
		a.problem("neither is its field %s, nor has it the name of an event without one", event.FieldStatus)
		name = event.BatchDiscovered
	}
	a.report.ByName[name]++
	a.checkMessage(envelope{id: id, name: name, campaign: d.CampaignID, time: d.Observed.Until}, subject, header)
	if id.Revision != b.revision+1 {
		a.problem("it comes after revision %d", b.revision)
	}
	b.revision = max(b.revision, id.Revision)
	b.follow(a, name, d)
}

// batchName returns the name that an event has by its data, or the one that it
// gives itself where its data leave it open; "" is a fault.
func batchName(d event.Batch, told string) string {
	switch {
	case d.Field == event.FieldStatus && d.To != nil:
		return event.Name(event.KindBatch, d.To)
	case d.Field == "" && slices.Contains(
		[]string{event.BatchDiscovered, event.BatchCompleted, event.BatchReopened}, told):
		return told
	}
	return ""
}

// follow takes the event into the life of the batch.
func (b *batch) follow(a *Auditor, name string, d event.Batch) {
	switch {
	case d.Field == event.FieldStatus:
		if !same(d.From, b.status) && (b.status != nil || !a.AllowBaseline) {
			a.problem("from is %s, but the status was %s before", show(d.From), show(b.status))
		}
		if same(d.From, d.To) {
			a.problem("from and to are both %s: nothing changed", show(d.To))
		}
		b.status = d.To
	case name == event.BatchDiscovered && d.Revision != 1:
		a.problem("it was discovered before")
	case name == event.BatchReopened:
		if !b.completed && !a.AllowBaseline {
			a.problem("it is reopened, but was not completed")
		}
		b.completed = false
	case name == event.BatchCompleted:
		if b.completed {
			a.problem("it is completed for a second time")
		}
		b.completed = true
		b.checkManifest(a, d)
	}
}

// checkManifest compares the sums with what the stream told of the calls.
func (b *batch) checkManifest(a *Auditor, d event.Batch) {
	m := d.Manifest
	if m == nil {
		a.problem("it has no manifest")
		return
	}
	if m.Events != b.events {
		a.problem("the manifest has %d events, the stream %d", m.Events, b.events)
	}
	if b.events > 0 && (m.First == nil || !m.First.Equal(b.first) || m.Last == nil || !m.Last.Equal(b.last)) {
		a.problem("the manifest's first and last are not those of the stream")
	}
	if a.AllowBaseline {
		return // calls that were recorded silently are not on the stream
	}
	var want event.Manifest
	count := func(counts *map[string]int, v *string) {
		if *counts == nil {
			*counts = map[string]int{}
		}
		name := "null"
		if v != nil {
			name = *v
		}
		(*counts)[name]++
	}
	for _, c := range a.calls[d.BatchID] {
		if c.removed {
			continue
		}
		want.Calls++
		count(&want.RequestStatus, a.known.get(c.last[request]))
		count(&want.ChannelStatus, a.known.get(c.last[channel]))
		count(&want.InsightsStatus, a.known.get(c.last[insights]))
		if c.rating != null {
			count(&want.Rating, a.known.get(c.rating))
		}
	}
	if m.Calls != want.Calls {
		a.problem("the manifest has %d calls, the stream %d", m.Calls, want.Calls)
	}
	for _, s := range []struct {
		name      string
		got, want map[string]int
	}{
		{"request_status", m.RequestStatus, want.RequestStatus},
		{"channel_manager_status", m.ChannelStatus, want.ChannelStatus},
		{"insights_status", m.InsightsStatus, want.InsightsStatus},
		{"rating", m.Rating, want.Rating},
	} {
		if !maps.Equal(s.got, s.want) {
			a.problem("the manifest counts %v by %s, the stream %v", s.got, s.name, s.want)
		}
	}
}
