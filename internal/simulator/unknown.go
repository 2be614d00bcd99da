package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// Values of Unknown.Deleted.
const (
	// DeletedListed keeps a deleted batch where it was, with deleted_at and
	// the status CANCELED.
	DeletedListed = "listed"
	// DeletedEmptied keeps the batch, but lists no results of it any more.
	DeletedEmptied = "emptied"
	// DeletedGone answers 404 and leaves the batch out of the list.
	DeletedGone = "gone"
)

// Values of Unknown.Order.
const (
	// OrderCreated lists results in the order of their creation.
	OrderCreated = "created"
	// OrderUpdated lists the results that changed last at the end, as a
	// database does that is asked for no order.
	OrderUpdated = "updated"
	// OrderRandom lists results in another order with each answer.
	OrderRandom = "random"
)

// Values of Unknown.Validators.
const (
	// ValidatorsNone gives results no validator.
	ValidatorsNone = "none"
	// ValidatorsETag gives results an ETag and answers If-None-Match.
	ValidatorsETag = "etag"
	// ValidatorsLastModified gives results a Last-Modified and answers
	// If-Modified-Since. Its seconds are as coarse as HTTP's dates are: of
	// two changes within one simulated second, the later one can stay hidden
	// behind a 304 for ever.
	ValidatorsLastModified = "last-modified"
	// ValidatorsBoth does both.
	ValidatorsBoth = "both"
)

// Unknown is what nobody documents about the platform, so that each client
// has to bear it either way. The zero value is the first of each choice.
type Unknown struct {
	// Deleted says what is left to see of a deleted batch.
	Deleted string
	// Order says in which order results are listed.
	Order string
	// Validators says which validators results have.
	Validators string
	// QuietBatch keeps last_updated_at where it is when a call of the batch
	// changes; then only changes of the batch itself move it.
	QuietBatch bool
	// QuietRetry is Campaign.QuietRetry, for every campaign.
	QuietRetry bool
	// InsightRevised is Mix.InsightRevised, for every campaign whose own is
	// smaller.
	InsightRevised float64
}

// DeletedChoices lists the values of Unknown.Deleted, the default first.
func DeletedChoices() []string { return []string{DeletedListed, DeletedEmptied, DeletedGone} }

// OrderChoices lists the values of Unknown.Order, the default first.
func OrderChoices() []string { return []string{OrderCreated, OrderUpdated, OrderRandom} }

// ValidatorsChoices lists the values of Unknown.Validators, the default first.
func ValidatorsChoices() []string {
	return []string{ValidatorsNone, ValidatorsETag, ValidatorsLastModified, ValidatorsBoth}
}

// Check returns an error that names the first value that is no choice. New
// takes such a value for the default.
func (u Unknown) Check() error {
	for _, c := range []struct {
		name, value string
		choices     []string
	}{
		{"deleted", u.Deleted, DeletedChoices()},
		{"order", u.Order, OrderChoices()},
		{"validators", u.Validators, ValidatorsChoices()},
	} {
		if c.value != "" && !slices.Contains(c.choices, c.value) {
			return fmt.Errorf("%s %q: want %s", c.name, c.value, strings.Join(c.choices, ", "))
		}
	}
	if !(u.InsightRevised >= 0 && u.InsightRevised <= 1) { // also when NaN
		return fmt.Errorf("revised %v: want a share, 0 to 1", u.InsightRevised)
	}
	return nil
}

func (u Unknown) hasETag() bool {
	return u.Validators == ValidatorsETag || u.Validators == ValidatorsBoth
}

func (u Unknown) hasLastModified() bool {
	return u.Validators == ValidatorsLastModified || u.Validators == ValidatorsBoth
}
