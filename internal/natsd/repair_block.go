package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// indexFile is what nats-server remembers of a stream's blocks, so that it need
// not read them. Without it, it reads them.
const indexFile = "index.db"

// mendBlocks looks through the blocks of a stream, and makes of each part that is
// damaged an erased message.
//
// nats-server cuts a block off at the first record that it cannot read: one
// flipped bit costs all that came after, up to 8 MB of messages, and where it was
// the newest block the sequences of those are used again. A flipped bit in a
// sequence makes it ask for gigabytes of memory, at every start. Erased, the one
// message is missing, which the stream's state tells.
//
// It returns how many messages can be read.
func mendBlocks(storeDir, dir, stream string, log *slog.Logger) (messages int, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "msgs", "*.blk"))
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		number, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), ".blk"))
		if err != nil {
			continue // none of nats-server's
		}
		n, err := mendBlock(storeDir, name, stream, number, log)
		if err != nil {
			return 0, fmt.Errorf("block %d: %w", number, err)
		}
		messages += n
	}
	return messages, nil
}

func mendBlock(storeDir, name, stream string, number int, log *slog.Logger) (messages int, err error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	b, err := newBlock(stream, number, content)
	if err != nil || b.isCompressed() {
		return 0, err
	}
	found, messages, brokenEnd := b.damages()
	if len(found) > 0 || brokenEnd {
		index := filepath.Join(filepath.Dir(name), indexFile)
		if err := os.Remove(index); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	if len(found) == 0 {
		return messages, nil
	}
	kept := aside(storeDir, fmt.Sprintf("%s.%d.blk", stream, number))
	if err := writeSynced(kept, content); err != nil {
		return 0, err
	}
	// A crash from here on leaves damage, which the next start finds again.
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	var missing uint64
	for _, d := range found {
		_, writeErr := f.WriteAt(b.erased(d), int64(d.at))
		err = errors.Join(err, writeErr)
		missing += d.missing
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	log.Error("messages of a stream are damaged on the disk and cannot be read; the disk may be failing",
		"stream", stream, "places", len(found), "messages", missing, "block_of_before", kept)
	return messages, nil
}
