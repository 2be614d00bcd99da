package store_test

import (
	"errors"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/syllable-notifier/notifier/internal/store"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	path := statePath(t)
	s := open(t, path)
	if place, err := s.Place("slack"); place != nil || err != nil {
		t.Errorf("a sink without a place has %q, %v", place, err)
	}
	err := errors.Join(s.Relayed(0, []byte("note")), s.PutPlace("slack", []byte("old")),
		s.PutPlace("other", []byte("elsewhere")), s.PutPlace("slack", []byte("new")))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	for sink, want := range map[string]string{"slack": "new", "other": "elsewhere"} {
		if place, err := s.Place(sink); string(place) != want || err != nil {
			t.Errorf("the place of %s is %q, %v, want %q", sink, place, err, want)
		}
	}
	if p, err := s.Progress(); string(p.Note) != "note" || err != nil {
		t.Errorf("the relay's note is %q, %v", p.Note, err)
	}
}

func TestDamagedPlace(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(relay *bolt.Bucket) error{
		"a flipped bit": func(relay *bolt.Bucket) error {
			v := slices.Clone(relay.Get([]byte("place/slack")))
			v[len(v)-1] ^= 4
			return relay.Put([]byte("place/slack"), v)
		},
		"that of another sink": func(relay *bolt.Bucket) error {
			return relay.Put([]byte("place/slack"), slices.Clone(relay.Get([]byte("place/other"))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := statePath(t)
			s := open(t, path)
			if err := errors.Join(s.PutPlace("slack", []byte("1")), s.PutPlace("other", []byte("2"))); err != nil {
				t.Fatal(err)
			}
			s.Close()
			raw(t, path, func(tx *bolt.Tx) error { return change(tx.Bucket([]byte("relay"))) })
			if _, err := store.Open(path); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("error %v, want that the state is damaged", err)
			}
		})
	}
}
