package event

import (
	"fmt"
	"strconv"
	"strings"
)

// ID identifies an event, deterministically: the same change of the same call
// has the same id on every attempt to publish it.
//
//	<store id>.<batch>.<reference>.<revision>
//
// Batch and reference are encoded as subject tokens are, so the text has
// exactly four parts.
type ID struct {
	// Store is made once with the state file, so that a new state never
	// reuses an id of an old one. It is one or more of A-Z a-z 0-9 _ -.
	Store string
	// Batch is the platform's batch id, as the platform writes it, not empty.
	Batch string
	// Reference is the call's reference id, unique within its batch, not
	// empty.
	Reference string
	// Revision counts the events of one call from 1, without gaps.
	Revision uint64
}

// String returns the id as it stands in ce-id and Nats-Msg-Id.
func (id ID) String() string {
	return id.Store + "." + Token(id.Batch) + "." + Token(id.Reference) + "." + strconv.FormatUint(id.Revision, 10)
}

// ParseID is the inverse of String. It refuses whatever String does not write
// for an ID whose fields are as described there: every id has one form, so
// that texts can be compared.
func ParseID(s string) (ID, error) {
	part := strings.Split(s, ".")
	if len(part) != 4 {
		return ID{}, fmt.Errorf("event id %q: want <store>.<batch>.<reference>.<revision>", s)
	}
	for i, name := range []string{"store", "batch", "reference"} {
		if part[i] == "" {
			return ID{}, fmt.Errorf("event id %q: its %s is empty", s, name)
		}
	}
	if Token(part[0]) != part[0] {
		return ID{}, fmt.Errorf("event id %q: store %q is not of A-Z a-z 0-9 _ - alone", s, part[0])
	}
	batch, err := ParseToken(part[1])
	if err != nil {
		return ID{}, fmt.Errorf("event id %q: batch: %w", s, err)
	}
	reference, err := ParseToken(part[2])
	if err != nil {
		return ID{}, fmt.Errorf("event id %q: reference: %w", s, err)
	}
	revision, err := strconv.ParseUint(part[3], 10, 64)
	if err != nil || part[3][0] == '0' {
		return ID{}, fmt.Errorf("event id %q: revision %q is not a positive number in plain digits", s, part[3])
	}
	return ID{Store: part[0], Batch: batch, Reference: reference, Revision: revision}, nil
}
