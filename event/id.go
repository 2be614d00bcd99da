package event

import (
	"fmt"
	"strconv"
	"strings"
)

// Scope says whose events an id counts.
type Scope string

// The scopes: a call, a batch as a whole, or the platform as the source of all.
const (
	ScopeCall   Scope = ""
	ScopeBatch  Scope = "batch"
	ScopeSource Scope = "source"
)

// What stands in an id for a reference, or for a batch and a reference. No
// encoded id can contain the tilde.
const (
	partBatch  = "~batch"
	partSource = "~source"
)

// ID identifies an event, deterministically: the same change of the same call
// has the same id on every attempt to publish it.
//
//	<store id>.<batch>.<reference>.<revision>    of a call
//	<store id>.<batch>.~batch.<revision>         of a batch
//	<store id>.~source.~source.<revision>        of the source
//
// Batch and reference are encoded as subject tokens are, so the text has
// exactly four parts.
type ID struct {
	// Store is made once with the state file, so that a new state never
	// reuses an id of an old one. It is one or more of A-Z a-z 0-9 _ -.
	Store string
	Scope Scope
	// Batch is the platform's batch id, as the platform writes it, not empty
	// but in ScopeSource.
	Batch string
	// Reference is the call's reference id, unique within its batch, not
	// empty in ScopeCall and empty otherwise.
	Reference string
	// Revision counts the events of one call, of one batch, or of the
	// source from 1, without gaps.
	Revision uint64
}

// String returns the id as it stands in ce-id and Nats-Msg-Id.
func (id ID) String() string {
	batch, reference := Token(id.Batch), Token(id.Reference)
	switch id.Scope {
	case ScopeCall:
	case ScopeBatch:
		reference = partBatch
	case ScopeSource:
		batch, reference = partSource, partSource
	}
	return id.Store + "." + batch + "." + reference + "." + strconv.FormatUint(id.Revision, 10)
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
	id := ID{Store: part[0]}
	if err := id.parseScope(part[1], part[2]); err != nil {
		return ID{}, fmt.Errorf("event id %q: %w", s, err)
	}
	revision, err := strconv.ParseUint(part[3], 10, 64)
	if err != nil || part[3][0] == '0' {
		return ID{}, fmt.Errorf("event id %q: revision %q is not a positive number in plain digits", s, part[3])
	}
	id.Revision = revision
	return id, nil
}

// parseScope reads the two parts in the middle.
func (id *ID) parseScope(batch, reference string) (err error) {
	if batch == partSource && reference == partSource {
		id.Scope = ScopeSource
		return nil
	}
	if id.Batch, err = ParseToken(batch); err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	if reference == partBatch {
		id.Scope = ScopeBatch
		return nil
	}
	if id.Reference, err = ParseToken(reference); err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	return nil
}
