package natsd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/minio/highwayhash"
)

// How nats-server keeps a stream, and a consumer in the stream's folder obs: its
// configuration in metaFile, and then the checksum of that in sumFile.
const (
	metaFile = "meta.inf"
	sumFile  = "meta.sum"
)

// repair mends what a process leaves that ends between the two files, which
// nats-server does not: it passes over a stream without a matching sum, and a
// stream that is then made again in the same folder never gets one, so that
// every later start loses it anew.
//
// A stream or a consumer whose creation was cut off holds nothing that anybody
// was told of, and is removed, to be made again. Where only a change of the
// configuration was cut off, the sum is written for the configuration that is
// there. Anything else is an error, and nothing is touched.
func repair(storeDir string, log *slog.Logger) error {
	streams, err := filepath.Glob(filepath.Join(storeDir, "jetstream", "*", "streams", "*"))
	if err != nil {
		return err
	}
	for _, dir := range streams {
		name := filepath.Base(dir)
		used, err := hasFiles(dir, "msgs", "*.blk")
		if err != nil {
			return err
		}
		if err := mend(dir, name, name, used, log); err != nil {
			return fmt.Errorf("stream %s in %s: %w", name, storeDir, err)
		}
		consumers, err := filepath.Glob(filepath.Join(dir, "obs", "*"))
		if err != nil {
			return err
		}
		for _, dir := range consumers {
			consumer := filepath.Base(dir)
			used, err := hasFiles(dir, "o.dat")
			if err != nil {
				return err
			}
			if err := mend(dir, consumer, name+"/"+consumer, used, log); err != nil {
				return fmt.Errorf("consumer %s of stream %s in %s: %w", consumer, name, storeDir, err)
			}
		}
	}
	return nil
}

// mend looks at one folder. The key is what its sum is made with, and used says
// that it holds more than a configuration.
func mend(dir, name, key string, used bool, log *slog.Logger) error {
	meta, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(dir, sumFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	want, err := metaSum(key, meta)
	if err != nil || string(sum) == want {
		return err
	}
	if !used {
		log.Warn("the creation of a stream or consumer was cut off; it is made again", "name", name)
		return os.RemoveAll(dir)
	}
	var config struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(meta, &config) != nil || config.Name != name {
		return fmt.Errorf("%s is damaged: restore the folder from a backup, or move it away to begin anew", metaFile)
	}
	log.Warn("a change of a stream or consumer was cut off; it is completed", "name", name)
	return writeSynced(filepath.Join(dir, sumFile), []byte(want))
}

// metaSum is the checksum that nats-server expects in sumFile.
func metaSum(key string, meta []byte) (string, error) {
	secret := sha256.Sum256([]byte(key))
	h, err := highwayhash.New64(secret[:])
	if err != nil {
		return "", err
	}
	if _, err := h.Write(meta); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// hasFiles says whether a file of that pattern below dir holds anything.
func hasFiles(dir string, pattern ...string) (bool, error) {
	names, err := filepath.Glob(filepath.Join(append([]string{dir}, pattern...)...))
	if err != nil {
		return false, err
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return false, err
		}
		if info.Size() > 0 {
			return true, nil
		}
	}
	return false, nil
}

func writeSynced(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}
