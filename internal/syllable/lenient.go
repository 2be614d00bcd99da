package syllable

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// leniently reads what a batch or a campaign has beside its id, its campaign and
// its status. The rest serves to ask well and to tell people more, so a value of
// another type than the one documented is passed over, where it could otherwise
// keep the calls of a batch, or of all batches in a list, from being seen. What
// a field of the types below is then, is what it was before.
var leniently = json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(lenient[*string]),
	json.UnmarshalFromFunc(lenient[*bool]),
	json.UnmarshalFromFunc(lenient[*int]),
	json.UnmarshalFromFunc(lenient[int]),
	json.UnmarshalFromFunc(lenientCounts),
))

func lenient[T any](d *jsontext.Decoder, field *T) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	var v T
	if json.Unmarshal(raw, &v) == nil {
		*field = v
	}
	return nil
}

func lenientCounts(d *jsontext.Decoder, field *map[string]Breakdown) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if all, ok := breakdowns(raw); ok {
		*field = all
	}
	return nil
}

// breakdowns reads counts whole or not at all: a status without a number would
// look like one without calls.
func breakdowns(raw jsontext.Value) (map[string]Breakdown, bool) {
	var counts map[string]struct {
		Total   *int           `json:"total_count"`
		Channel jsontext.Value `json:"counts"`
	}
	if json.Unmarshal(raw, &counts) != nil || counts == nil {
		return nil, false
	}
	all := make(map[string]Breakdown, len(counts))
	for status, n := range counts {
		if n.Total == nil || *n.Total < 0 {
			return nil, false
		}
		b := Breakdown{Total: *n.Total}
		if json.Unmarshal(n.Channel, &b.Channel) != nil {
			b.Channel = nil
		}
		all[status] = b
	}
	return all, true
}

// days reads the days of the week in a list of "mon", "tue" and so on. The
// platform's own example has the list once more as a text in it. What cannot be
// read in full is no list.
func days(raw jsontext.Value) []string {
	var texts []string
	var text string
	switch {
	case json.Unmarshal(raw, &texts) == nil:
	case json.Unmarshal(raw, &text) == nil:
		texts = []string{text}
	default:
		return nil
	}
	week := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	var all []string
	for _, text := range texts {
		if strings.HasPrefix(strings.TrimSpace(text), "[") {
			var inner []string
			if json.Unmarshal([]byte(text), &inner) != nil {
				return nil
			}
			all = append(all, inner...)
			continue
		}
		all = append(all, text)
	}
	for i, day := range all {
		all[i] = strings.ToLower(strings.TrimSpace(day))
		if !slices.Contains(week, all[i]) {
			return nil
		}
	}
	return all
}
