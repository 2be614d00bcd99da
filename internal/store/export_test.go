package store

import bolt "go.etcd.io/bbolt"

// SetSchema writes another schema into a file, for tests.
func SetSchema(path, schema string) error {
	db, err := bolt.Open(path, fileMode, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bolt.Tx) error { return top(tx, bucketMeta).put(keySchema, []byte(schema)) })
}

// CompactAbove sets how many bytes must be free before a compaction.
func (s *Store) CompactAbove(bytes int64) { s.compactAbove = bytes }
