package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/syllable-notifier/notifier/event"
)

var errNoBatchID = errors.New("batch_id is empty, or revision is 0")

// readBatch reads the data of an event of a batch, and the platform's object in
// it. A field that is missing is an error, as in readData.
func readBatch(data []byte) (event.Batch, map[string]json.RawMessage, error) {
	var d event.Batch
	if !utf8.Valid(data) {
		return d, nil, errNotUnicode
	}
	want := []string{"batch_id", "campaign_id", "revision", "observed", "batch"}
	top, err := object(data, "", want...)
	if err != nil {
		return d, nil, err
	}
	if err := readObserved(top["observed"]); err != nil {
		return d, nil, err
	}
	if err := readChange(top); err != nil {
		return d, nil, err
	}
	if manifest, ok := top["manifest"]; ok {
		if _, err := object(manifest, "manifest.", "calls", "request_status", "channel_manager_status",
			"insights_status", "events", "first", "last"); err != nil {
			return d, nil, err
		}
	}
	is, err := object(top["batch"], "batch.")
	if err != nil {
		return d, nil, err
	}
	if is == nil {
		return d, nil, errors.New("batch is null; one that was never seen is {}")
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return d, nil, err
	}
	if d.BatchID == "" || d.Revision == 0 {
		return d, nil, errNoBatchID
	}
	return d, is, nil
}

// readChange wants from and to where a field changed, and only there.
func readChange(top map[string]json.RawMessage) error {
	_, changed := top["field"]
	for _, name := range []string{"from", "to"} {
		switch _, ok := top[name]; {
		case changed && !ok:
			return fmt.Errorf("%s is missing", name)
		case !changed && ok:
			return fmt.Errorf("%s is there, but no field changed", name)
		}
	}
	if changed && string(top["to"]) == "null" {
		return errors.New("to is null")
	}
	return nil
}

// batchName returns the name that an event has by its data. Where these leave it
// open, the event's own word is taken, of its type or else of its subject.
func (a *Auditor) batchName(d event.Batch, r raw) (string, error) {
	switch {
	case d.Field == event.FieldStatus:
		return event.Name(event.KindBatch, d.To), nil
	case d.Field != "":
		return "", fmt.Errorf("the field %s is none of a batch", quote(string(d.Field)))
	case d.Manifest != nil:
		return event.BatchCompleted, nil
	}
	ofType := strings.TrimPrefix(first(r.header, event.HeaderType), a.prefix+".")
	for _, name := range []string{event.BatchDiscovered, event.BatchReopened, event.BatchCompleted} {
		if ofType == name {
			return name, nil
		}
	}
	for _, name := range []string{event.BatchDiscovered, event.BatchReopened} {
		if r.subject == event.Subject(a.prefix, name, d.CampaignID, d.BatchID) {
			return name, nil
		}
	}
	return "", fmt.Errorf("no field changed, and neither header %s nor the subject has a name that such an event can have",
		event.HeaderType)
}

// checkBatch checks what the data say against themselves: the platform's object
// in them must be of this batch, and have the status that is said to be new.
func (a *Auditor) checkBatch(d event.Batch, is map[string]json.RawMessage) {
	a.checkObserved(d.Observed)
	if id, ok := text(is["batch_id"]); !ok || id != nil && *id != d.BatchID {
		a.problem("batch.batch_id is not the batch's")
	}
	if d.Field != event.FieldStatus {
		return
	}
	if same(d.From, d.To) {
		a.problem("from and to are both %s: nothing changed", show(d.To))
	}
	if status, ok := text(is["status"]); !ok || status != nil && !same(status, d.To) {
		a.problem("to is %s, but by the batch status is another", show(d.To))
	}
}

func batchAt(batch string, revision uint64) string {
	return fmt.Sprintf("batch %s, revision %d", quote(batch), revision)
}
